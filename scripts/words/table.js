// Words that must not be used in the repository, and on the right side the words to use instead.

/** Words of prose and parts of identifiers. */
export const WORDS = {
  awake: "staleness guard, fresh",
  crew: "worker pool",
  nobody: "no one, no client; or name who: no tenant, no process",
  requester: "client; holder, for the one that holds a capability",
  roster: "swap-remove list",
  somebody: "someone; or name who: a client, another tenant, an attacker",
  thief: "attacker, or what was stolen",
  thieves: "attackers",
  whoever: "anyone who; or name who: the client, the holder, the operator",
};

/** Consecutive words. */
export const PHRASES = {
  "all the same": "still, anyway",
  "under way": "in flight, or in progress",
};

/** Identifiers, and the beginnings of constants. */
export const IDENTIFIERS = {
  answerJson: "respondJson",
  AuditLog: "EventLog",
  Awaitable: "MaybePromise",
  boundColumns: "associatedData",
  breakOff: "abortResponse",
  brokenOff: "aborted, or resetMask for the stream",
  carryOut: "forward",
  denyMaking: "checkCreation",
  Enrolled: "Indexed",
  giveBack: "release",
  hangUp: "lingeringClose",
  heldEnd: "eofGuard",
  holdBody: "bufferBody",
  keepUp: "ensureFresh",
  leadNowhere: "removeRecord",
  leadsTo: "indexTarget",
  LEAST_: "MIN_…",
  letGoOfBody: "destroyBody",
  LONGEST_: "MAX_…",
  MakingDenial: "CreationDenial",
  MakingLimits: "Quotas",
  markHop: "addHop",
  mintAll: "mintTenantCapabilities",
  MOST_: "MAX_…",
  normalizePath: "removeDotSegments",
  openDoor: "exportTarget",
  PATIENCE: "KILL_GRACE, or a timeout's name",
  refuseToldError: "rejectErrorBody",
  rememberLast: "memoizeLast",
  sealedTo: "sealedFor",
  sealTo: "sealForRecipient",
  shapeAnswer: "buildResponseHead",
  showable: "sanitize",
  subjectOf: "resourceOf",
  underWay: "inFlight",
  unframe: "decodeColumns",
  unsealWith: "openAsRecipient",
};
