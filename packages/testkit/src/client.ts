import { request } from "undici";
import type { Dispatcher } from "undici";

export interface CallOptions {
  readonly method?: string;
  /** An object is sent as JSON. */
  readonly body?: string | Buffer | object;
  readonly headers?: Record<string, string>;
  /** Appended to the URL: path, query. Default: "/". */
  readonly path?: string;
  readonly dispatcher?: Dispatcher;
}

export interface CallResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** Parsed body; undefined if it is not JSON. */
  readonly json: any;
}

export async function call(
  service: { readonly url: string },
  token: string | undefined,
  options: CallOptions = {},
): Promise<CallResponse> {
  const { body } = options;
  const bytes =
    body === undefined || typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const response = await request(`${service.url}${options.path ?? "/"}`, {
    method: (options.method ?? (body === undefined ? "GET" : "POST")) as Dispatcher.HttpMethod,
    headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...options.headers },
    ...(bytes === undefined ? {} : { body: bytes }),
    ...(options.dispatcher === undefined ? {} : { dispatcher: options.dispatcher }),
  });
  const text = await response.body.text();
  return { status: response.statusCode, headers: response.headers, text, json: parseJson(text) };
}

export function tokenOf(uri: string): string {
  return uri.slice(uri.indexOf("#") + 1);
}

/** Creates a membrane and returns the tokens of its two capabilities. */
export async function createMembrane(
  service: { readonly url: string },
  create: string,
  id: string,
): Promise<{ readonly export: string; readonly revoke: string }> {
  const response = expectStatus(await call(service, create, { body: { id } }), 201);
  return {
    export: tokenOf(response.json.capabilities.export),
    revoke: tokenOf(response.json.capabilities.revoke),
  };
}

/** Exports a target or a capability, and returns the token of the new capability. */
export async function exportThrough(
  service: { readonly url: string },
  exportToken: string,
  body: object,
): Promise<string> {
  return tokenOf(expectStatus(await call(service, exportToken, { body }), 201).json.capability);
}

/** Returns the capability URI for a token of `service`. */
export function uriOf(service: { readonly authority: string }, token: string): string {
  return `cpblty://${service.authority}/#${token}`;
}

export function expectStatus(response: CallResponse, status: number): CallResponse {
  if (response.status !== status)
    throw new Error(`expected ${status}, got ${response.status}: ${response.text}`);
  return response;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
