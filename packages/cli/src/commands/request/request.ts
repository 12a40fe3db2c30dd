import type { IncomingMessage } from "node:http";
import { resolveGivenCapability } from "../../capability/resolved-capability.ts";
import type { RequestCommand } from "../../command-line/command.ts";
import { CliError } from "../../errors/cli-error.ts";
import { adviseOnInvocation } from "../../errors/invocation-advice.ts";
import type { Io } from "../../io.ts";
import { openBody } from "./body.ts";
import { receive } from "./receive.ts";
import { send } from "./send.ts";

/** `capi request`: invokes a capability. An answer of 400 and above is written too, and fails. */
export async function request(command: RequestCommand, io: Io): Promise<void> {
  const resolved = await resolveGivenCapability(command.capability, "invoke", command.trust, io);
  const body = command.data === undefined ? undefined : await openBody(command.data, io.stdin);
  try {
    const { response, end } = await send(command, resolved, body);
    try {
      await receive(response, command, io);
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
  const isFromGateway = headers["proxy-status"] !== undefined;
  throw new CliError(
    `${statusCode} ${statusMessage}`.trimEnd(),
    adviseOnInvocation(statusCode, isFromGateway, authority),
  );
}
