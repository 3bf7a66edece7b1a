/** Times of the audit filter: ISO 8601 in UTC in the address and the API, minutes in the field. */

/** What a `datetime-local` field shows for a time of the address. */
export function fieldTime(iso: string | undefined): string {
  return iso && !Number.isNaN(Date.parse(iso)) ? new Date(iso).toISOString().slice(0, 16) : ''
}

/** The UTC time that was typed; undefined for none. */
export function isoTime(field: string): string | undefined {
  const at = Date.parse(`${field}:00Z`)
  // V8 takes a lone `:00Z` for a time.
  return field === '' || Number.isNaN(at) ? undefined : new Date(at).toISOString().replace('.000', '')
}
