// An API that requires a key: the target of the README's tour. Argument: its port.
import { createServer } from "node:http";

const KEY = "the-key-to-the-house";

createServer((request, response) => {
  const isKnown = request.headers["x-api-key"] === KEY;
  response.writeHead(isKnown ? 200 : 403, { "Content-Type": "text/plain" });
  response.end(isKnown ? "The treasure room is open.\n" : "Who are you?\n");
}).listen(Number(process.argv[2]), "127.0.0.1");
