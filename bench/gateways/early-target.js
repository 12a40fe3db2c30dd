// A target that responds with 413 once it has read the beginning of a body, and closes with the rest unread. The bytes that the
// kernel has received by then make the close a reset. A GET gets a 200. Prints its port.
import { createServer } from "node:net";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const TOO_LARGE = "HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\ntoo large";

const server = createServer({ noDelay: true }, (socket) => {
  socket.on("error", () => undefined);
  socket.once("data", (chunk) => {
    if (chunk.toString("latin1").startsWith("GET")) return void socket.end(OK);
    socket.pause();
    // The time for a decision, in which more of the body arrives.
    setTimeout(() => {
      socket.write(TOO_LARGE);
      socket.destroy();
    }, 2);
  });
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify(server.address())));
