/** Variables with which a program runs a script before its own code. */
export function preload(script: string): Readonly<Record<string, string>> {
  return { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(script)}` };
}

/** Makes JavaScript that sends the process a signal when it sends the database a statement, or when that has its result. */
export function signalAtStatement(
  text: string,
  { skip = 0, afterText = "", isSent = false, signal = "SIGKILL" } = {},
): string {
  return `
    import net from "node:net";
    let left = ${skip};
    let isArmed = ${afterText === ""};
    const write = net.Socket.prototype.write;
    const end = () => process.kill(process.pid, ${JSON.stringify(signal)});
    net.Socket.prototype.write = function (chunk, ...rest) {
      const bytes = Buffer.from(chunk);
      isArmed ||= bytes.includes(${JSON.stringify(afterText)});
      if (!isArmed || !bytes.includes(${JSON.stringify(text)}) || left-- > 0) return write.call(this, chunk, ...rest);
      if (${!isSent}) end();
      this.once("data", () => ${isSent} && end());
      return write.call(this, chunk, ...rest);
    };`;
}
