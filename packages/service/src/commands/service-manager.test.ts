import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { createServiceManager, sendWithSystemdNotify } from "./service-manager.ts";

/** A service manager whose messages are delivered one by one, when the test says so. */
function openManager() {
  const sent: string[] = [];
  const failures: string[] = [];
  const waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  const manager = createServiceManager(
    (notification) => {
      sent.push(notification.join(" "));
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    () => 42n,
    { serviceManagerFailed: ({ cause }) => failures.push(cause) },
  );
  const settle = async (error?: Error): Promise<void> => {
    await setImmediate();
    const next = waiting.shift()!;
    if (error === undefined) next.resolve();
    else next.reject(error);
    await setImmediate();
  };
  return { manager, sent, failures, settle };
}

test("states are said in their order, each after the one before was delivered", async () => {
  const { manager, sent, settle } = openManager();
  manager.ready();
  manager.reloading(() => Promise.resolve());
  await setImmediate();
  expect(sent).toEqual(["READY=1"]);
  await settle();
  expect(sent).toEqual(["READY=1", "RELOADING=1 MONOTONIC_USEC=42"]);
  await settle();
  expect(sent).toEqual(["READY=1", "RELOADING=1 MONOTONIC_USEC=42", "READY=1"]);
});

test("a reload that is still on when the service stops makes it ready no more", async () => {
  const { manager, sent, settle } = openManager();
  let finish: () => void = () => undefined;
  manager.reloading(() => new Promise((resolve) => (finish = resolve)));
  manager.stopping();
  finish();
  await settle();
  await settle();
  await setImmediate();
  expect(sent).toEqual(["RELOADING=1 MONOTONIC_USEC=42", "STOPPING=1"]);
});

test("a state that cannot be delivered is logged with its code alone, and the next one is said", async () => {
  const { manager, sent, failures, settle } = openManager();
  manager.ready();
  manager.stopping();
  await settle(Object.assign(new Error("/run/secret"), { code: "ENOENT" }));
  expect(failures).toEqual(["ENOENT"]);
  await settle(new Error("/run/secret"));
  expect(failures).toEqual(["ENOENT", "failed"]);
  expect(sent).toEqual(["READY=1", "STOPPING=1"]);
});

test("where systemd-notify is missing the code says so", async () => {
  const send = sendWithSystemdNotify("/run/membrane-test/missing", "/nowhere");
  await expect(send(["READY=1"])).rejects.toMatchObject({ code: "ENOENT" });
});
