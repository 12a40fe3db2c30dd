import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";

/** Notices what a client sends to hosts other than the service, such as the metadata service of a cloud. */
export interface OtherHosts extends AsyncDisposable {
  /** The environment of the client: a proxy for other hosts, and a hook of Python, whose programs may use no proxy. */
  readonly variables: Readonly<Record<string, string>>;
  /** The first line of each request, and each address that a program of Python connects to. */
  found(): readonly string[];
}

/** @see https://docs.python.org/3/library/audit_events.html */
const HOOK = `
import os, sys

def audit(event, args):
    if event == "socket.connect" and isinstance(args[1], tuple) and not args[1][0].startswith("127."):
        with open(os.environ["OTHER_HOSTS"], "a") as file:
            print(*args[1], file=file)

sys.addaudithook(audit)
`;

export async function watchOtherHosts(): Promise<OtherHosts> {
  const directory = await temporaryDirectory();
  const hooks = join(directory.path, "hooks");
  await mkdir(hooks);
  await writeFile(join(hooks, "sitecustomize.py"), HOOK);
  const connected = join(directory.path, "connected");
  await writeFile(connected, "");

  const requests: string[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (chunk: Buffer) => {
      requests.push(chunk.toString("latin1").split("\r\n")[0] ?? "");
      socket.destroy();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    found: () => [...requests, ...readFileSync(connected, "utf8").split("\n").filter(Boolean)],
    variables: {
      HTTP_PROXY: proxy,
      HTTPS_PROXY: proxy,
      http_proxy: proxy,
      https_proxy: proxy,
      NO_PROXY: "127.0.0.1",
      no_proxy: "127.0.0.1",
      PYTHONPATH: hooks,
      OTHER_HOSTS: connected,
    },
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
      await directory[Symbol.asyncDispose]();
    },
  };
}
