import { expect, test } from "vitest";
import { COMMANDS, COMMAND_GROUPS } from "../commands.ts";
import { complete } from "./complete.ts";

async function words(...args: readonly string[]): Promise<readonly string[]> {
  const profileNames = async (): Promise<string[]> => ["work"];
  const completions = await complete(args, { commands: COMMANDS, groups: COMMAND_GROUPS, profileNames });
  return completions.map(({ word }) => word);
}

test("the values of an option with a closed list are those of the current command", async () => {
  expect(await words("membrane", "create", "--output", "")).toEqual(["json", "uri", "env"]);
  expect(await words("request", "--output", "")).toEqual([]);
});

test("for the value of any other option nothing is offered, so that the shell completes files", async () => {
  expect(await words("membrane", "create", "--cacert", "")).toEqual([]);
  expect(await words("request", "-o", "")).toEqual([]);
});

test("an option is offered again only if it repeats", async () => {
  const offered = await words("request", "-H", "A: 1", "--raw", "-X", "PUT", "");
  expect(offered).toContain("--header");
  expect(offered).toContain("--data");
  expect(offered).not.toContain("--raw");
  expect(offered).not.toContain("--method");
});

test("a dash in place of a command offers the options of every command", async () => {
  expect(await words("-")).toEqual(["--version", "--help"]);
  expect(await words("membrane", "--")).toEqual(["--version", "--help"]);
});

test("an option before the command does not hide the commands", async () => {
  expect(await words("--profile", "work", "config", "")).toEqual(["configure", "list", "ca", "remove"]);
  expect(await words("--profile", "")).toEqual(["work"]);
});
