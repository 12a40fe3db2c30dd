import type { ClientRequest, IncomingMessage } from "node:http";
import { PAYLOAD_HASH_HEADER, formatCapabilityUri } from "capability-protocol";
import { request as requestWith } from "capability-sdk";
import type { Held } from "../../capability/held-capability.ts";
import type { HeaderLine, RequestCommand } from "../../command-line/command.ts";
import { explainRequest } from "../../failure/explain.ts";
import { unreadable } from "../../failure/unreadable.ts";
import { AT_SIGN } from "../../secret.ts";
import type { Body } from "./body.ts";

/** A request that has an answer, and may still be sending its body. */
export interface Exchange {
  readonly response: IncomingMessage;
  /** Lets go of the connection and of what is left of the body. */
  end(): void;
}

/**
 * Sends the request and gives the answer as soon as its head is there.
 *
 * @throws Failure when there is no answer.
 */
export async function send(command: RequestCommand, held: Held, body: Body | undefined): Promise<Exchange> {
  try {
    const sent = open(command, held, body);
    sendBody(sent, body);
    return { response: await answerTo(sent), end: () => void sent.destroy() };
  } catch (error) {
    throw explainRequest(error, held.place);
  }
}

function open(command: RequestCommand, held: Held, body: Body | undefined): ClientRequest {
  return requestWith(formatCapabilityUri(held.uri), {
    method: command.method,
    path: command.query === undefined ? "/" : `/?${command.query}`,
    headers: headersOf(command.headers, body),
    // A connection kept for a next request would only keep the process.
    agent: false,
    ca: held.ca,
  });
}

/** A repeated name is sent twice. Length and hash are added if they are known and the caller does not give them. */
function headersOf(lines: readonly HeaderLine[], body: Body | undefined): Record<string, string[] | string> {
  const headers = new Map<string, { readonly name: string; readonly values: string[] }>();
  for (const [name, value] of lines) {
    const same = headers.get(name.toLowerCase());
    if (same === undefined) headers.set(name.toLowerCase(), { name, values: [value] });
    else same.values.push(value);
  }
  const known: [string, string][] = [];
  const says = (names: readonly string[]): boolean => names.some((name) => headers.has(name));
  if (body?.length !== undefined && !says(["content-length", "transfer-encoding"]))
    known.push(["Content-Length", String(body.length)]);
  if (body?.hash !== undefined && !says([PAYLOAD_HASH_HEADER.toLowerCase(), "x-amz-content-sha256"]))
    known.push([PAYLOAD_HASH_HEADER, body.hash]);
  const given = Array.from(
    headers.values(),
    ({ name, values: [first = "", ...others] }) =>
      [name, others.length === 0 ? first : [first, ...others]] as const,
  );
  return Object.fromEntries<string[] | string>([...given, ...known]);
}

function sendBody(sent: ClientRequest, body: Body | undefined): void {
  if (body === undefined) return void sent.end();
  body.source.on("error", (cause) => sent.destroy(unreadable("--data", body.name, cause, AT_SIGN)));
  body.source.pipe(sent);
  // What nobody takes any more need not be read: standard input would keep the process.
  sent.once("close", () => body.source.destroy());
}

function answerTo(sent: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.once("response", resolve);
    // Stays: after an early answer the rest of the body may find the connection closed.
    sent.on("error", reject);
    sent.once("close", () => reject(Object.assign(new Error("closed"), { code: "ECONNRESET" })));
  });
}
