import { expect } from "vitest";
import type { AwsCli, AwsMachine } from "./aws-machine.ts";

/** Checks that the command of the page for a service fails, and shows what the page says. */
export async function expectRefusedAsOnPage(
  machine: AwsMachine,
  cli: AwsCli,
  service: string,
): Promise<void> {
  const shown = machine.page.block("console", { ...machine, token: "" });
  const [, command = "", lines = ""] = new RegExp(`^\\$ (aws ${service} .+)\n([^$]+)`, "m").exec(shown) ?? [];
  const { code, stderr } = await machine.runScript(machine.files, command, cli);
  expect([command, stderr.trim()]).toEqual([command, lines.trim().replaceAll("\n", " ")]);
  expect(code).toBeGreaterThan(0);
}

/** Checks that a command fails, and says why. */
export async function expectRefused(
  machine: AwsMachine,
  cli: AwsCli | undefined,
  command: string,
  message: RegExp,
): Promise<void> {
  const { code, stderr } = await machine.runScript(machine.files, command, cli);
  expect(code, command).toBeGreaterThan(0);
  expect(stderr).toMatch(message);
}
