// The target of the bench: 1 KiB, as fast as node:http answers. Prints its port.
import { createServer } from "node:http";

const BODY = Buffer.alloc(1024, "x");

const server = createServer((request, response) => {
  request.resume();
  response.writeHead(200, { "Content-Type": "text/plain", "Content-Length": BODY.length });
  response.end(BODY);
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify(server.address())));
