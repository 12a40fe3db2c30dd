import { afterAll, beforeAll, expect, test } from "vitest";
import { startRawTarget } from "../../testkit/src/target.ts";
import type { RawTarget } from "../../testkit/src/target.ts";
import type { Home, Installation } from "./support/installation.ts";
import { startInstallation } from "./support/installation.ts";

/*
 * Management commands with an exported capability by mistake: without the intended operation in the request, it would be sent to
 * the target, where a POST may have effects.
 */

let first: Installation;
/** A service that re-exports capabilities of the first one. */
let second: Installation;
let target: RawTarget;
let connections = 0;
/** A user without a profile, who uses given capabilities. */
let stranger: Home;
let exported: Readonly<Record<string, string>>;
let trust: readonly string[];

beforeAll(async () => {
  target = await startRawTarget((socket) => {
    connections += 1;
    socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  });
  first = await startInstallation();
  second = await startInstallation("--authority-ca", `${first.authority}=${first.ca}`);
  stranger = await first.createOtherHome();
  const cas = Object.fromEntries(
    await Promise.all(
      [first, second].map(
        async (installation) => [installation.authority, await installation.readCa()] as const,
      ),
    ),
  );
  trust = ["--trustedCA-file-path", await stranger.file("trust.json", JSON.stringify(cas))];
  for (const installation of [first, second]) await installation.succeed(["membrane", "create", "--id", "m"]);
  const exporting = (installation: Installation, ...args: string[]) =>
    installation.succeed(["membrane", "export", "--id", "m", "--output", "uri", ...args]);
  const own = await exporting(first, "--uri", target.url);
  const again = await exporting(first, "--capability-to-export", own);
  const foreign = await exporting(second, "--capability-to-export", own);
  exported = {
    "an exported capability": own,
    "a re-exported capability": again,
    "a capability that another service re-exported": foreign,
  };
});
afterAll(async () => {
  await first[Symbol.asyncDispose]();
  await second[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

/** Every management command that takes `--capability`, and the operation of the capability that it needs. */
const COMMANDS: readonly (readonly [right: string, words: readonly string[]])[] = [
  ["create", ["create", "--id", "x"]],
  ["export", ["export", "--uri", "https://example.com/"]],
  ["export", ["export", "--capability-to-export", "@held.txt"]],
  ["query", ["query"]],
  ["query", ["query", "--id", "x"]],
  ["revoke", ["revoke"]],
  ["delete-self", ["delete-self"]],
];

test.each([
  "an exported capability",
  "a re-exported capability",
  "a capability that another service re-exported",
])(
  "%s makes a management command fail with a message about its kind, and its target gets no request",
  async (what) => {
    const capability = exported[what]!;
    await stranger.file("given.txt", capability);
    await stranger.file("held.txt", first.capabilities.query);
    for (const [right, words] of COMMANDS) {
      const ended = await stranger.capi(["membrane", ...words, "--capability", "@given.txt", ...trust]);
      const said = `capi membrane ${words.join(" ")} said ${ended.stderr}`;
      expect([ended.code, ended.stdout], said).toEqual([1, ""]);
      expect(ended.stderr, said).toMatch(/^FAILED\n400 Bad Request: .*for another operation than /);
      expect(ended.stderr, said).toContain(
        `The capability is of another kind, and nothing was done: this needs one to ${right}.`,
      );
      expect(ended.stderr, said).toContain('"capi request" invokes an exported one');
    }
    expect([connections, target.received()]).toEqual([0, ""]);
  },
);

test("the same capabilities reach their target when they are invoked", async () => {
  for (const [what, capability] of Object.entries(exported)) {
    const before = connections;
    await stranger.file("given.txt", capability);
    expect(await stranger.succeed(["request", "@given.txt", ...trust]), what).toBe("ok");
    expect(connections, what).toBe(before + 1);
  }
  expect(target.received()).not.toMatch(/membrane-operation/i);
});

/** The commands that would create, revoke or delete something. */
const ACTING = COMMANDS.filter(
  ([right, [, first]]) => right !== "query" && first !== "--capability-to-export",
);

test("no capability of a membrane or a tenant carries out the operation of another one", async () => {
  const { create, query, deleteSelf } = first.capabilities;
  const made = JSON.parse(await first.succeed(["membrane", "create", "--id", "kept"]));
  const held = { create, query, "delete-self": deleteSelf, ...made.capabilities };
  for (const [name, capability] of Object.entries<string>(held)) {
    await stranger.file("given.txt", capability);
    for (const [right, words] of ACTING.filter(([other]) => other !== name)) {
      const ended = await stranger.capi(["membrane", ...words, "--capability", "@given.txt", ...trust]);
      expect([name, right, ended.code, ended.stdout]).toEqual([name, right, 1, ""]);
      expect(ended.stderr, `${name} for ${right}`).toContain("nothing was done");
    }
  }
  const { membranes } = JSON.parse(await first.succeed(["membrane", "query", "--limit", "1000"]));
  expect(membranes.map(({ id }: { readonly id: string }) => id)).toEqual(["kept", "m"]);
});
