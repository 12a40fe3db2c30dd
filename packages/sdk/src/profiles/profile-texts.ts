import type { ProfileText } from "./edit.ts";
import { parseProfileDocuments, setValues, removeDocuments } from "./edit.ts";
import type { Profile } from "./profile.ts";
import { assertProfileName, certificatesOf, capabilitiesOf, composeProfile } from "./profile.ts";

/** The two files: a profile has a document in one of them or in both. */
export interface ProfileTexts {
  readonly credentials: ProfileText;
  readonly config: ProfileText;
}

/** Lists the names in the credentials, then those that are only in the configuration, each once. */
export function listProfileNames({ credentials, config }: ProfileTexts): readonly string[] {
  const names = [...parseProfileDocuments(credentials), ...parseProfileDocuments(config)].map(
    ({ name }) => name,
  );
  return [...new Set(names)];
}

/** Combines the first document with this name in each file. */
export function findProfile({ credentials, config }: ProfileTexts, name: string): Profile | undefined {
  const secrets = parseProfileDocuments(credentials).find((document) => document.name === name);
  const settings = parseProfileDocuments(config).find((document) => document.name === name);
  if (secrets === undefined && settings === undefined) return undefined;
  return composeProfile(name, secrets?.values ?? new Map(), settings?.values ?? new Map());
}

/** Returns the texts with the values in `change` set; a new profile always gets a document in the credentials. */
export function withProfile(texts: ProfileTexts, change: Profile): ProfileTexts {
  const isNew = !listProfileNames(texts).includes(change.name);
  if (isNew) assertProfileName(change.name);
  const capabilities = capabilitiesOf(change);
  const certificates = certificatesOf(change);
  const put = (file: ProfileText, values: ReadonlyMap<string, string>): ProfileText => ({
    ...file,
    text: setValues(file, change.name, values),
  });
  return {
    credentials: isNew || capabilities.size > 0 ? put(texts.credentials, capabilities) : texts.credentials,
    config: certificates.size > 0 ? put(texts.config, certificates) : texts.config,
  };
}

export function withoutProfile({ credentials, config }: ProfileTexts, name: string): ProfileTexts {
  return {
    credentials: { ...credentials, text: removeDocuments(credentials, name) },
    config: { ...config, text: removeDocuments(config, name) },
  };
}
