import type { TenantCapabilityUris } from "../../../capability/tenant-capabilities.ts";
import { readCapability } from "../../options/read-access.ts";
import { readProfileName } from "../profile-input.ts";
import type { OptionValues } from "../../../parse/option-values.ts";
import type { ConfigureOptionName } from "../specs.ts";

export interface ConfigureInput {
  readonly profile: string;
  readonly capabilityUris: TenantCapabilityUris;
  /** Path of a PEM file. */
  readonly cacert: string | undefined;
}

/** @throws CliError that names the invalid option. */
export async function read(values: OptionValues<ConfigureOptionName>): Promise<ConfigureInput> {
  return {
    profile: readProfileName(values),
    capabilityUris: {
      create: await readCapability(values, "create"),
      query: await readCapability(values, "query"),
      deleteSelf: await readCapability(values, "delete-self"),
    },
    cacert: values.text("cacert"),
  };
}
