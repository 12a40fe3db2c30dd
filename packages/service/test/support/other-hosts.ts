import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";

/** Notices what a client sends to hosts other than the service, such as the metadata service of a cloud: its proxy gets it. */
export interface OtherHosts extends AsyncDisposable {
  /** The environment of the client. */
  readonly variables: Readonly<Record<string, string>>;
  /** The first line of each request for another host. */
  readonly requests: readonly string[];
}

export async function watchOtherHosts(): Promise<OtherHosts> {
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
    requests,
    variables: {
      HTTP_PROXY: proxy,
      HTTPS_PROXY: proxy,
      http_proxy: proxy,
      https_proxy: proxy,
      NO_PROXY: "127.0.0.1",
      no_proxy: "127.0.0.1",
    },
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}
