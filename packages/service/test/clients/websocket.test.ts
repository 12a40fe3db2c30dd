import type { IncomingMessage } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { WebSocketTarget } from "../../../testkit/src/websocket.ts";
import { startWebSocketTarget } from "../../../testkit/src/websocket.ts";
import type { ClientMachine } from "../support/client-machine.ts";
import { expectOwnCredential, grant, revoke, startClientMachine } from "../support/client-machine.ts";
import { readClientPage } from "../support/client-page.ts";

/* The programs of docs/clients/websocket.md, against a server that accepts only the target's own credential. */

let machine: ClientMachine;
let target: WebSocketTarget;
beforeAll(async () => {
  machine = await startClientMachine();
  target = await startWebSocketTarget({
    verifyClient: ({ req }: { readonly req: IncomingMessage }) =>
      req.headers.authorization === "Bearer SECRET",
  });
});
afterAll(() => Promise.all([machine[Symbol.asyncDispose](), target[Symbol.asyncDispose]()]));

/** undici has the class of browsers, which Node.js 20 lacks. */
const BROWSER = 'import { WebSocket } from "undici";\n';

test.each([
  ["javascript", "", "hello", undefined],
  ["js", BROWSER, "chat hello\n", "chat"],
] as const)(
  "the program in %s opens a WebSocket, and none after a revoke",
  async (language, imports, printed, offered) => {
    const page = await readClientPage("websocket", "live.example");
    const { token, revoke: end } = await grant(machine, page.exportBody(target.url));
    const program = imports + page.block(language, { token, authority: machine.authority });
    const before = target.handshakes.length;
    const { code, stdout, stderr } = await machine.runModule(program);
    expect([code, stdout], stderr).toEqual([0, printed]);
    const handshakes = target.handshakes.slice(before);
    expectOwnCredential(handshakes, token, ["authorization", "Bearer SECRET"]);
    expect(handshakes.map(({ headers }) => headers["sec-websocket-protocol"])).toEqual([offered]);

    await revoke(machine, end);
    expect((await machine.runModule(program)).stdout).toBe("");
    expect(target.handshakes.length).toBe(before + 1);
  },
);
