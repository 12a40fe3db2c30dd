// http-proxy as in its documentation, with keep-alive connections. Argument: the target's port. Prints its port.
import { Agent, createServer } from "node:http";
import { createRequire } from "node:module";

// Not installed with the project, so it has no types here.
const httpProxy = createRequire(import.meta.url)("http-proxy");

const agent = new Agent({ keepAlive: true, maxSockets: 256 });
const proxy = httpProxy.createProxyServer({ target: `http://127.0.0.1:${process.argv[2]}`, agent });
proxy.on("error", () => undefined);
const server = createServer((request, response) => proxy.web(request, response));
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify(server.address())));
