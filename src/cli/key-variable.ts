/** Holds the key of `connlog pull` where it should not stand among the arguments, which every user of the machine can list. */
export const KEY_VARIABLE = 'CONNLOG_PULL_KEY'
