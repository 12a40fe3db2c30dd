import type { IncomingMessage } from "node:http";
import { resolveGivenCapability } from "../../capability/resolved-capability.ts";
import { CliError } from "../../errors/cli-error.ts";
import { adviseOnInvocation } from "../../errors/invocation-advice.ts";
import type { Io } from "../../io.ts";
import { openBody } from "./body.ts";
import { receive } from "./receive.ts";
import { send } from "./send.ts";
import type { RequestInput } from "./read.ts";

export { read } from "./read.ts";

/** `capi request`: invokes a capability. A response of 400 and above is written too, and fails. */
export async function run(input: RequestInput, io: Io): Promise<void> {
  const resolved = await resolveGivenCapability(input.capability, "invoke", input.trust, io);
  const body = input.data === undefined ? undefined : await openBody(input.data, io.stdin);
  try {
    const { response, end } = await send(input, resolved, body);
    try {
      await receive(response, input, io);
    } finally {
      end();
    }
    throwOnErrorStatus(response, resolved.context.authority);
  } finally {
    body?.source.destroy();
  }
}

function throwOnErrorStatus(
  { statusCode = 0, statusMessage = "", headers }: IncomingMessage,
  authority: string,
): void {
  if (statusCode < 400) return;
  const requestId = headers["x-request-id"]?.toString();
  const isFromGateway = headers["proxy-status"] !== undefined;
  const source = { isFromGateway, retryAfter: headers["retry-after"], requestId };
  throw new CliError(
    `${statusCode} ${statusMessage}`.trimEnd(),
    adviseOnInvocation(statusCode, source, authority),
  );
}
