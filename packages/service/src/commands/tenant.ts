import type { TenantCapabilities } from "capability-protocol";
import { describeProblem, parseProvisionRequest } from "capability-protocol";
import type { Command } from "../command.ts";
import type { DataConfig } from "../config.ts";
import { ConfigError } from "../config-error.ts";
import { createTenant, reissueTenant } from "../management/tenants.ts";
import type { OperatorContext } from "../management/tenants.ts";
import { lastAuthority } from "./data-directory.ts";
import { formatName, quoteName } from "./escape.ts";
import type { OperatorProcess } from "./operator.ts";
import { asOperator, findTenant, withStore } from "./operator.ts";
import { printJson, printUris } from "./print.ts";

type TenantCommand = Extract<Command, { name: `tenant ${string}` }>;

/** Says what a reissue does not end, since an operator may expect it to. */
const REISSUE_NOTICE = [
  "",
  "Nothing was ended. The old create, query and deleteSelf continue to work for anyone who has them, and so does all that was made with them.",
  "The new query lists only the membranes made from now on: the tokens of older ones are sealed to the lost query.",
  '"membrane membrane list" and "membrane membrane revoke" end older membranes; deleteSelf and "membrane tenant delete" end the tenant with all of them.',
];

/** The operator's commands on tenants. They also work while the service runs: both use the same store. */
export async function tenant(command: TenantCommand, { print, log }: OperatorProcess): Promise<void> {
  await withStore(
    command.config,
    async (data) => {
      if (command.name === "tenant list") {
        const names = (await data.store.tenants()).map(({ name }) => name);
        if (command.json) printJson(print, { tenants: names.map((id) => ({ id })) });
        else names.map(formatName).forEach(print);
        return;
      }
      const id = readId(command.id);
      const operator = asOperator(data, command.name, log.changed);
      if (command.name === "tenant delete") {
        const { uid } = await findTenant(data.store, "--id", id);
        await operator.changes.revoke(operator.actor, { tenant: uid });
        if (command.json) printJson(print, { tenant: id, deleted: true });
        else print(`Deleted the tenant ${quoteName(id)}, its membranes and all that went through them.`);
        return;
      }
      await requireAuthority(command.config);
      const capabilities = await ACTIONS[command.name](operator, id);
      if (command.json) return printJson(print, { tenant: id, capabilities });
      print(`Capabilities of the tenant ${quoteName(id)}, shown only now:`);
      print("");
      printUris(print, capabilities);
      if (command.name === "tenant reissue") REISSUE_NOTICE.forEach(print);
    },
    { command: command.name, log },
  );
}

/** @throws ConfigError on a machine that has not served a shared database: its capabilities would lead to `localhost`. */
async function requireAuthority(config: DataConfig): Promise<void> {
  if (config.postgres === undefined || config.isAuthoritySet) return;
  if ((await lastAuthority(config)) !== undefined) return;
  throw new ConfigError(
    `--authority: required, since ${config.data} does not know under which name the service is reached: give the one that its nodes have`,
  );
}

function readId(text: string): string {
  const parsed = parseProvisionRequest({ id: text });
  if (!parsed.ok) throw new ConfigError(`--${describeProblem(parsed.error)}`);
  return parsed.value.id;
}

const ACTIONS = { "tenant create": create, "tenant reissue": reissue } as const;

async function create(operator: OperatorContext, id: string): Promise<TenantCapabilities> {
  const made = await createTenant(operator, id);
  if (made.ok) return made.value;
  if (made.error.reason === "full") {
    throw new ConfigError(
      `--id: the service has reached its limit of ${made.error.limit} tenants: delete one, or raise --max-tenants`,
    );
  }
  throw new ConfigError(`--id: there is a tenant ${quoteName(id)} already`);
}

async function reissue(operator: OperatorContext, id: string): Promise<TenantCapabilities> {
  await findTenant(operator.store, "--id", id);
  const made = await reissueTenant(operator, id);
  if (made.ok) return made.value;
  if (made.error.reason === "full") {
    throw new ConfigError(
      `--id: the tenant has reached its limit of ${made.error.limit} own capabilities: create another tenant, or raise --max-own-capabilities-per-tenant`,
    );
  }
  throw new ConfigError(`--id: the tenant ${quoteName(id)} was deleted meanwhile`);
}
