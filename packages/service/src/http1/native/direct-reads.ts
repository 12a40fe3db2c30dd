import type { Socket } from "node:net";

/**
 * Passes each piece that a flowing socket reads on to its reader, past the buffer of the stream, which looks for more after every piece.
 * While the socket is paused pieces go into the buffer, and come from there as the event `data`.
 *
 * @returns a function that lets all pieces go through the buffer again. The socket, which may live on for long, then keeps nothing of its reader.
 */
export function bypassReadBuffer(socket: Socket, onData: (bytes: Buffer) => void): () => void {
  const push = socket.push.bind(socket);
  let reader: typeof onData | undefined = onData;
  socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    const isFree = socket.readableFlowing === true && socket.readableLength === 0;
    if (reader === undefined || !isFree || !Buffer.isBuffer(chunk)) return push(chunk, encoding);
    reader(chunk);
    return true;
  };
  return () => {
    reader = undefined;
  };
}
