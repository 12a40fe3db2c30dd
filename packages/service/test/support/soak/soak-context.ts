import type { Agent } from "undici";
import type { CallOptions, CallResponse } from "../../../../testkit/src/client.ts";
import { call } from "../../../../testkit/src/client.ts";
import type { SoakTargets } from "./soak-targets.ts";

/** What each client of a soak has. */
export interface SoakContext {
  readonly url: string;
  readonly port: number;
  readonly authority: string;
  /** The CA of the service, in PEM. */
  readonly ca: string;
  readonly dispatcher: Agent;
  readonly tokens: { readonly create: string; readonly query: string };
  /** The `export` of a membrane that is never revoked. */
  readonly delegate: string;
  readonly targets: SoakTargets;
  /** Counts what was done, by name. */
  count(name: string): void;
}

/** Carries out a part of what clients do, once. `turn` is how often it was done before. */
export type Activity = (context: SoakContext, name: string, turn: number) => Promise<void>;

export function send(
  { url, dispatcher }: SoakContext,
  token: string,
  options: CallOptions = {},
): Promise<CallResponse> {
  return call({ url }, token, { ...options, dispatcher });
}

/** @throws Error if the response has another status. */
export async function expectFrom(
  context: SoakContext,
  token: string,
  status: number,
  options: CallOptions = {},
): Promise<CallResponse> {
  const response = await send(context, token, options);
  if (response.status !== status)
    throw new Error(`expected ${status}, got ${response.status}: ${response.text.slice(0, 200)}`);
  context.count(`${status}`);
  return response;
}
