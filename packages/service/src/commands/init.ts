import { join, resolve } from "node:path";
import type { DataConfig } from "../config.ts";
import { ConfigError } from "../config.ts";
import { makeFirstTenant } from "../management/tenants.ts";
import { ensureServerCertificate } from "../tls/server-certificate.ts";
import { checkPlace, dataPaths, openData, rememberAuthority } from "./data.ts";
import { mendModes } from "./data-modes.ts";
import { makeFirstProfile } from "./first-profile.ts";
import type { Print } from "./print.ts";
import { firstForPrograms, printFirst, printJson } from "./print.ts";

/** What `init` needs of its process. */
export interface InitMachine {
  readonly now: Date;
  /** Home directory of whoever runs it. */
  readonly home: () => string;
  readonly print: Print;
  /** Where a person is told what a program that reads what is printed need not know. */
  readonly note: Print;
}

/** Makes what the first start makes, without serving. */
export async function init(config: DataConfig, json: boolean, machine: InitMachine): Promise<void> {
  const { now, home, print, note } = machine;
  const paths = dataPaths(config);
  await checkPlace(config);
  await mendModes(config);
  const data = await openData(config);
  try {
    const authorities = [config.authority, ...config.aliases];
    // Before the tenant is stored: an error after it would lose the capabilities, which cannot be shown again.
    const first = await makeFirstTenant(data, async () => {
      await ensureServerCertificate({ directory: paths.tls, authorities, now, mayReplaceCA: true });
      await rememberAuthority(config);
    });
    if (first === undefined) {
      throw new ConfigError(
        `${config.data} has its first tenant already, and its capabilities cannot be shown again: use "membrane tenant create --id ID" or "membrane tenant reissue --id default"`,
      );
    }
    const ca = resolve(join(paths.tls, "ca.pem"));
    if (json) printJson(print, firstForPrograms(first, ca));
    else printFirst(print, first, ca);
    (await makeFirstProfile(config, first, { ca }, home)).forEach(json ? note : print);
  } finally {
    await data.store.close();
  }
}
