import { existsSync } from "node:fs";
import type { Command } from "../cli.ts";
import type { DataConfig } from "../config.ts";
import { ConfigError } from "../config.ts";
import { createTenant, reissueTenant } from "../management/tenants.ts";
import { dataPaths, knownAuthority, openData } from "./data.ts";
import type { Print } from "./print.ts";
import { printJson, printUris } from "./print.ts";
import { parseProvisionRequest, describeProblem } from "capability-protocol";

type TenantCommand = Extract<Command, { name: `tenant ${string}` }>;

/** The operator's commands on tenants. They work beside a running service: both see the same store. */
export async function tenant(command: TenantCommand, print: Print): Promise<void> {
  requireStore(command.config);
  const data = await openData({ ...command.config, authority: await knownAuthority(command.config) });
  try {
    if (command.name === "tenant list") {
      const names = (await data.store.tenants()).map(({ name }) => name);
      if (command.json) printJson(print, { tenants: names.map((id) => ({ id })) });
      else names.forEach(print);
      return;
    }
    const id = readId(command.id);
    const capabilities = command.name === "tenant create" ? await create(data, id) : await reissue(data, id);
    if (command.json) return printJson(print, { tenant: id, capabilities });
    print(`Capabilities of the tenant "${id}", shown this once:\n`);
    printUris(print, capabilities);
    if (command.name === "tenant reissue") {
      print(
        "\nThe new query lists the membranes made from now on: what older ones hold was sealed to the lost one. The old capabilities go on working for whoever has them; deleteSelf ends the tenant with all of them.",
      );
    }
  } finally {
    await data.store.close();
  }
}

/** Opening would make one, with this tenant as its only one, wherever the operator happens to stand. */
function requireStore(config: DataConfig): void {
  if (existsSync(dataPaths(config).store)) return;
  throw new ConfigError(
    `--data: there is no store in ${config.data}: name its directory with --data, or make it with "membrane init" or "membrane serve"`,
  );
}

function readId(text: string): string {
  const parsed = parseProvisionRequest({ id: text });
  if (!parsed.ok) throw new ConfigError(`--${describeProblem(parsed.problem)}`);
  return parsed.value.id;
}

async function create(data: Parameters<typeof createTenant>[0], id: string) {
  const made = await createTenant(data, id);
  if (made.ok) return made.capabilities;
  if (made.denial.reason === "full") {
    throw new ConfigError(
      `--id: there are ${made.denial.limit} tenants, as many as this service may have: delete one, or raise --tenants`,
    );
  }
  throw new ConfigError(`--id: there is a tenant "${id}" already`);
}

async function reissue(data: Parameters<typeof reissueTenant>[0], id: string) {
  const made = await reissueTenant(data, id);
  if (made.ok) return made.capabilities;
  if (made.denial.reason === "full") {
    throw new ConfigError(
      `--id: the tenant has ${made.denial.limit} capabilities of its own, as many as it may have: make another tenant, or raise --own-capabilities-per-tenant`,
    );
  }
  throw new ConfigError(`--id: there is no tenant "${id}"; "membrane tenant list" shows them`);
}
