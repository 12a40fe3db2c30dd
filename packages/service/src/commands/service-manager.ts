import { execFile } from "node:child_process";
import type { EventLog } from "../telemetry/events.ts";
import { errorCode } from "../error-code.ts";

/** What has started this process and wants to know its state: systemd, as sd_notify(3) describes, or nothing. */
export interface ServiceManager {
  /** The service can serve. */
  ready(): void;
  /** The service reads its certificate again until `reload` has settled. */
  reloading(reload: () => Promise<void>): void;
  /** The service stops. Nothing is said after that. */
  stopping(): void;
}

/** What is said to the service manager, in the variables of sd_notify(3). */
type Notification = readonly string[];

/** Longer than `systemd-notify` waits for the service manager, in milliseconds. */
const MAX_NOTIFY_MS = 10_000;

/** Of a process that nothing waits for. */
export const NO_SERVICE_MANAGER: ServiceManager = {
  ready: () => undefined,
  reloading: (reload) => void reload(),
  stopping: () => undefined,
};

/**
 * Says each state in its order, one after the other. A failure is logged and stops nothing.
 *
 * @param send delivers one notification.
 * @param monotonicMicroseconds the clock CLOCK_MONOTONIC, with which `Type=notify-reload` tells its own reload from an earlier one.
 */
export function createServiceManager(
  send: (notification: Notification) => Promise<void>,
  monotonicMicroseconds: () => bigint,
  log: Pick<EventLog, "serviceManagerFailed">,
): ServiceManager {
  let last = Promise.resolve();
  let isStopping = false;
  const say = (...notification: Notification): void => {
    if (isStopping) return;
    last = last
      .then(() => send(notification))
      .catch((error: unknown) => log.serviceManagerFailed({ cause: errorCode(error) ?? "failed" }));
  };
  return {
    ready: () => say("READY=1"),
    reloading(reload) {
      say("RELOADING=1", `MONOTONIC_USEC=${monotonicMicroseconds()}`);
      void reload().then(() => say("READY=1"));
    },
    stopping() {
      say("STOPPING=1");
      isStopping = true;
    },
  };
}

/**
 * Sends with `systemd-notify`, since Node.js has no datagram sockets of Unix. It comes with systemd, and waits until the service
 * manager has read the message, which otherwise could not tell whose a process is that has ended.
 *
 * @param socket the variable NOTIFY_SOCKET.
 * @param path the variable PATH, where the program is found.
 */
export function sendWithSystemdNotify(
  socket: string,
  path: string | undefined,
): (notification: Notification) => Promise<void> {
  // The environment of this process may hold a password.
  const env = { NOTIFY_SOCKET: socket, ...(path === undefined ? {} : { PATH: path }) };
  const options = { env, timeout: MAX_NOTIFY_MS, killSignal: "SIGKILL" } as const;
  return (notification) =>
    new Promise((resolve, reject) => {
      execFile("systemd-notify", notification, options, (error) =>
        error === null ? resolve() : reject(error),
      );
    });
}
