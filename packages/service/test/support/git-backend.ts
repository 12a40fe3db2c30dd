import { spawn } from "node:child_process";
import { once } from "node:events";
import type { IncomingHttpHeaders } from "node:http";
import { env } from "node:process";
import type { TestTarget } from "../../../testkit/src/target.ts";
import { startTarget } from "../../../testkit/src/target.ts";

/** Serves the repositories below a directory, with git's own server, to requests with this `Authorization`. */
export async function startGitBackend(root: string, authorization: string): Promise<TestTarget> {
  const target: TestTarget = await startTarget(({ method = "", url = "", headers }, response) => {
    if (headers.authorization !== authorization)
      return void response.writeHead(401, { "WWW-Authenticate": 'Basic realm="git"' }).end();
    const body = target.requests.at(-1)?.body ?? Buffer.alloc(0);
    void runBackend(root, { method, url, headers }, body).then((output) => {
      const headEnd = output.indexOf("\r\n\r\n");
      const lines = output.subarray(0, headEnd).toString("latin1").split("\r\n");
      let status = 200;
      for (const line of lines) {
        const [name = "", value = ""] = line.split(/: */, 2);
        if (name === "Status") status = Number.parseInt(value, 10);
        else response.setHeader(name, value);
      }
      response.writeHead(status).end(output.subarray(headEnd + 4));
    });
  });
  return target;
}

/** A request to a program by CGI (RFC 3875). */
async function runBackend(
  root: string,
  request: { readonly method: string; readonly url: string; readonly headers: IncomingHttpHeaders },
  body: Buffer,
): Promise<Buffer> {
  const { pathname, search } = new URL(request.url, "http://127.0.0.1");
  const { headers } = request;
  const child = spawn("git", ["http-backend"], {
    stdio: ["pipe", "pipe", "ignore"],
    env: {
      PATH: env["PATH"],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      REMOTE_USER: "robot",
      REQUEST_METHOD: request.method,
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: search.slice(1),
      CONTENT_TYPE: headers["content-type"],
      CONTENT_LENGTH: String(body.length),
      HTTP_CONTENT_ENCODING: headers["content-encoding"],
      GIT_PROTOCOL: headers["git-protocol"]?.toString(),
    },
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  // A backend that refuses a request ends before it has read all of its body (EPIPE): its output is the response.
  child.stdin.on("error", () => undefined);
  child.stdin.end(body);
  await once(child, "close");
  return Buffer.concat(chunks);
}
