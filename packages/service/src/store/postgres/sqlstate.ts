/** Codes of the server's errors, by their names in appendix A of PostgreSQL's documentation. */
export const SQLSTATE = {
  featureNotSupported: "0A000",
  uniqueViolation: "23505",
  readOnlySqlTransaction: "25006",
  idleInTransactionSessionTimeout: "25P03",
  transactionTimeout: "25P04",
  invalidSqlStatementName: "26000",
  invalidAuthorizationSpecification: "28000",
  invalidPassword: "28P01",
  invalidCatalogName: "3D000",
  serializationFailure: "40001",
  deadlockDetected: "40P01",
  insufficientPrivilege: "42501",
  datatypeMismatch: "42804",
  diskFull: "53100",
  outOfMemory: "53200",
  tooManyConnections: "53300",
  lockNotAvailable: "55P03",
  queryCanceled: "57014",
  adminShutdown: "57P01",
  crashShutdown: "57P02",
  cannotConnectNow: "57P03",
  databaseDropped: "57P04",
  idleSessionTimeout: "57P05",
} as const;

/** The first two characters of all codes of a class. */
export const SQLSTATE_CLASS = {
  connectionException: "08",
  dataException: "22",
  integrityConstraintViolation: "23",
  programLimitExceeded: "54",
} as const;
