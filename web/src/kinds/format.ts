/** Values as an SRE writes them: `250m`, `1.5 GiB`, `3d4h`. All pure; the reference time is an argument. */

const MINUTE_S = 60
const HOUR_S = 60 * MINUTE_S
const DAY_S = 24 * HOUR_S
const YEAR_S = 365 * DAY_S

/** An absent value: a dash, never a zero. */
export const NONE = '–'

/** Seconds as kubectl prints ages: two units at most, one from ten of the larger unit on. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds))
  if (s < 2 * MINUTE_S) {
    return `${s}s`
  }
  if (s < HOUR_S) {
    return pair(s, MINUTE_S, 'm', 1, 's')
  }
  if (s < DAY_S) {
    return pair(s, HOUR_S, 'h', MINUTE_S, 'm')
  }
  if (s < 2 * YEAR_S) {
    return pair(s, DAY_S, 'd', HOUR_S, 'h')
  }
  return pair(s, YEAR_S, 'y', DAY_S, 'd')
}

const WHOLE_UNITS = 10

function pair(seconds: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  const whole = Math.floor(seconds / large)
  const rest = Math.floor((seconds % large) / small)
  return whole >= WHOLE_UNITS || rest === 0
    ? `${whole}${largeUnit}`
    : `${whole}${largeUnit}${rest}${smallUnit}`
}

/** Age of an ISO time at `now`; a dash for no or unreadable time. */
export function age(time: string | null | undefined, now: number): string {
  const at = time ? Date.parse(time) : NaN
  return Number.isNaN(at) ? NONE : duration((now - at) / 1000)
}

/** `2026-11-22 10:55:47 UTC`: the same for every reader of a shared link. */
export function clockTime(time: string | null | undefined): string {
  const at = time ? new Date(time) : null
  return at && !Number.isNaN(at.getTime()) ? at.toISOString().slice(0, 19).replace('T', ' ') + ' UTC' : NONE
}

/** Cores as Kubernetes writes them: millicores below one core. */
export function cores(value: number): string {
  if (value === 0) {
    return '0'
  }
  return value < 1
    ? `${Math.max(1, Math.round(value * 1000))}m`
    : trim(value, value < 10 ? 2 : value < 100 ? 1 : 0)
}

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

export function bytes(value: number): string {
  let unit = 0
  let scaled = value
  while (Math.abs(scaled) >= 1024 && unit < BYTE_UNITS.length - 1) {
    scaled /= 1024
    unit += 1
  }
  return `${trim(scaled, scaled < 10 ? 2 : scaled < 100 ? 1 : 0)} ${BYTE_UNITS[unit]}`
}

export function percent(ratio: number): string {
  return `${Math.round(ratio * 100)}%`
}

/** A probability in words of a reader: `97%`, and never a false certainty. */
export function probability(p: number): string {
  if (p > 0.99 && p < 1) {
    return '>99%'
  }
  return percent(p)
}

export function count(value: number): string {
  return value.toLocaleString('en-US')
}

function trim(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)))
}

/** Text of any JSON value; objects as compact JSON. */
export function plain(value: unknown): string {
  if (value === null || value === undefined || value === '') {
    return NONE
  }
  if (typeof value === 'string') {
    return value
  }
  if (Array.isArray(value)) {
    return value.length ? value.map(plain).join(', ') : NONE
  }
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
