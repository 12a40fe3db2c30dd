import type { IncomingMessage } from "node:http";
import { holdGiven } from "../../capability/held-capability.ts";
import type { RequestCommand } from "../../command-line/command.ts";
import { Failure } from "../../failure/failure.ts";
import { adviseOnInvocation } from "../../failure/invocation.ts";
import type { World } from "../../world.ts";
import { openBody } from "./body.ts";
import { receive } from "./receive.ts";
import { send } from "./send.ts";

/** `capi request`: invokes a capability. An answer of 400 and above is written too, and fails. */
export async function request(command: RequestCommand, world: World): Promise<void> {
  const held = await holdGiven(command.capability, "invoke", command.trust, world);
  const body = command.data === undefined ? undefined : await openBody(command.data, world.stdin);
  try {
    const { response, end } = await send(command, held, body);
    try {
      await receive(response, command, world);
    } finally {
      end();
    }
    refuseFailed(response, held.place.authority);
  } finally {
    body?.source.destroy();
  }
}

function refuseFailed(
  { statusCode = 0, statusMessage = "", headers }: IncomingMessage,
  authority: string,
): void {
  if (statusCode < 400) return;
  const isGateways = headers["proxy-status"] !== undefined;
  throw new Failure(
    `${statusCode} ${statusMessage}`.trimEnd(),
    adviseOnInvocation(statusCode, isGateways, authority),
  );
}
