// fast-proxy as in its documentation, on undici. Argument: the target's port. Prints its port.
import { createServer } from "node:http";
import { createRequire } from "node:module";

// Not installed with the project, so it has no types here.
const fastProxy = createRequire(import.meta.url)("fast-proxy");

const { proxy } = fastProxy({
  base: `http://127.0.0.1:${process.argv[2]}`,
  undici: { connections: 256, pipelining: 1 },
});
const server = createServer((request, response) => proxy(request, response, request.url, {}));
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify(server.address())));
