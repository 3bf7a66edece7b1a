import type { ChangeNotice } from '../../api/types'

/** Notices newer than the newest one that was seen. Ids begin with their time, so that they sort by it. */
export function unread(notices: ChangeNotice[], seen: string): ChangeNotice[] {
  return notices.filter(({ id }) => id > seen)
}

/** The newest of them, to be remembered as seen; never older than what was seen before. */
export function newest(notices: ChangeNotice[], seen: string): string {
  return notices.reduce((last, { id }) => (id > last ? id : last), seen)
}
