// The floor: the least that a gateway on node:http and undici can do. It copies headers through objects, replaces one, and checks
// nothing. Arguments: the target's port, and for TLS the files of certificate and key. Prints its port.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { Pool } from "undici";

const [target, cert, key] = process.argv.slice(2);
// A client that disconnects within a response leaves an upstream connection open, which nothing closes.
const pool = new Pool(`http://127.0.0.1:${target}`, { connections: 4_096, pipelining: 1 });

/** @type {import("node:http").RequestListener} */
const pass = (request, response) => {
  const headers = { ...request.headers };
  delete headers["connection"];
  headers["authorization"] = "replaced";
  pool.dispatch(
    {
      method: request.method ?? "GET",
      path: request.url ?? "/",
      headers,
      body: request.method === "GET" ? null : request,
    },
    {
      onConnect() {},
      onHeaders(status, rawHeaders, resume) {
        /** @type {Record<string, string>} */
        const copied = {};
        for (let i = 0; i < rawHeaders.length; i += 2) {
          copied[String(rawHeaders[i]).toLowerCase()] = String(rawHeaders[i + 1]);
        }
        delete copied["connection"];
        delete copied["keep-alive"];
        response.on("drain", resume);
        response.writeHead(status, copied);
        return true;
      },
      onData: (chunk) => response.write(chunk),
      onComplete() {
        response.end();
      },
      onError(error) {
        response.destroy(error);
      },
    },
  );
};

const server =
  cert === undefined || key === undefined
    ? createServer(pass)
    : createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) }, pass);
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify(server.address())));
