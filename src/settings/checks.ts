// Why a value can't be used: the checks that several settings share.

/** As the end of a sentence; null when it can be used. */
export function flag(value: string): string | null {
  return /^(true|false|yes|no|on|off|1|0)$/i.test(value) ? null : 'it is neither true nor false'
}

export function isWholeNumber(value: string, least: number, most: number): boolean {
  return /^[0-9]{1,9}$/.test(value) && Number(value) >= least && Number(value) <= most
}
