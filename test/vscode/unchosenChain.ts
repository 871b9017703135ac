/** What `GET /api/chain` says of a chain whose strategy nobody chose, without its models. */
export const unchosenChain = {
  strategy: 'balanced',
  scoredBy: 'balanced',
  inForce: 'balanced',
  chosenBy: 'nobody',
  isFixed: false,
  hasOrder: false,
} as const;
