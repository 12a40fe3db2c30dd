// Places in the memory that a closed loop shares with the thread that reads it.

/** The count of complete responses. */
export const COMPLETED = 0;
/** 1 when no more requests are to be sent. */
export const IS_OVER = 1;
