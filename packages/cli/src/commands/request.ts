import type { IncomingMessage } from "node:http";
import type { RequestCommand } from "../command.ts";
import { adviseOnInvocation } from "../explain/invocation.ts";
import { Failure } from "../failure.ts";
import { holdGiven } from "../membrane-for.ts";
import { openBody } from "../request/body.ts";
import { receive } from "../request/receive.ts";
import { send } from "../request/send.ts";
import type { World } from "../world.ts";

/** `capi request`: invokes a capability. An answer of 400 and above is written too, and fails. */
export async function request(command: RequestCommand, world: World): Promise<void> {
  const held = await holdGiven(command.access.capability, command.access, "invoke", world);
  const body = command.data === undefined ? undefined : await openBody(command.data, world.stdin);
  const { response, end } = await send(command, held, body);
  try {
    await receive(response, command, world);
  } finally {
    end();
  }
  refuseFailed(response, held.place.authority);
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
