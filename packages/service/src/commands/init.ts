import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { DataConfig } from "../config.ts";
import { ConfigError } from "../config.ts";
import { makeFirstTenant } from "../management/tenants.ts";
import { ensureServerCertificate } from "../tls/server-certificate.ts";
import { dataPaths, openData, rememberAuthority } from "./data.ts";
import { makeFirstProfile } from "./first-profile.ts";
import type { Print } from "./print.ts";
import { printFirst, printJson } from "./print.ts";

/**
 * Makes what the first start makes, without serving.
 *
 * @param note where a person is told what a program that reads `print` need not know.
 */
export async function init(
  config: DataConfig,
  json: boolean,
  now: Date,
  home: () => string,
  print: Print,
  note: Print,
): Promise<void> {
  const paths = dataPaths(config);
  const data = await openData(config);
  try {
    const first = await makeFirstTenant(data);
    if (first === undefined) {
      throw new ConfigError(
        `${config.data} has its first tenant already, and its capabilities cannot be shown again: use "membrane tenant create --id ID" or "membrane tenant reissue --id default"`,
      );
    }
    await ensureServerCertificate({ directory: paths.tls, authorities: [config.authority], now });
    await rememberAuthority(config);
    const ca = resolve(join(paths.tls, "ca.pem"));
    if (json) printJson(print, { ...first, ca });
    else printFirst(print, first, ca);
    if (config.profile === undefined) return;
    const use = {
      authority: config.authority,
      capabilities: first.capabilities,
      ca: { file: ca, pem: await readFile(ca, "utf8") },
    };
    (json ? note : print)(await makeFirstProfile({ name: config.profile, home }, use));
  } finally {
    await data.store.close();
  }
}
