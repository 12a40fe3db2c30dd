import { err, printableName } from "capability-protocol";
import type { Outcome } from "../../domain/denial.ts";
import { PASSED } from "../../domain/denial.ts";
import type { QueryPairs } from "../query-pairs.ts";
import type { NamedValues } from "./listed-values.ts";
import { isListed } from "./listed-values.ts";

/** Checks a client's query by one limit. */
export function checkQuery({ names, lists }: NamedValues, pairs: QueryPairs): Outcome<undefined> {
  const { values, ambiguousKey } = pairs;
  if (ambiguousKey !== undefined) return refuse(ambiguousKey, "ambiguous");
  for (const key of values.keys()) if (!names.has(key)) return refuse(key, "not_named");
  for (const [key, listed] of lists) {
    const given = values.get(key);
    const value = given?.length === 1 ? given[0] : undefined;
    if (value === undefined || value.hasPlus || !isListed(listed, value.decoded))
      return refuse(key, "not_listed");
  }
  return PASSED;
}

function refuse(key: string, why: "ambiguous" | "not_named" | "not_listed"): Outcome<undefined> {
  return err({ reason: "query_not_allowed", key: printableName(key), why });
}
