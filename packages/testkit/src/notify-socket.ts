import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { temporaryDirectory } from "./temporary-directory.ts";

/** What a service manager does with the messages of sd_notify(3): each is one line, its variables separated by spaces. */
const RECEIVER = `
import socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print("bound", flush=True)
while True:
    # A descriptor that comes with a message is a barrier: the sender waits until it is closed.
    print(receiver.recv(4096).decode().replace("\\n", " "), flush=True)
`;

/** The socket of a service manager, which only receives. */
export interface NotifySocket extends AsyncDisposable {
  /** For NOTIFY_SOCKET. */
  readonly path: string;
  /** The messages so far, without the barriers. */
  readonly received: () => readonly string[];
}

export async function openNotifySocket(): Promise<NotifySocket> {
  const directory = await temporaryDirectory();
  const path = join(directory.path, "notify");
  const child = spawn("/usr/bin/python3", ["-c", RECEIVER, path], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "close");
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  const bound = once(reader, "line");
  await bound;
  reader.on("line", (line) => lines.push(line));
  return {
    path,
    received: () => lines.filter((line) => !line.startsWith("BARRIER=")),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
      await directory[Symbol.asyncDispose]();
    },
  };
}
