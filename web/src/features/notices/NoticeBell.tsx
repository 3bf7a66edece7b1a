import { useState } from 'react'
import { Link } from '@tanstack/react-router'
import { useQuery } from '@tanstack/react-query'
import { Popover } from 'radix-ui'
import { noticesQuery } from '../../api/changeQueries'
import type { ChangeNotice, Level, Me } from '../../api/types'
import { recall, remember } from '../../app/storage'
import { age, clockTime } from '../../kinds/format'
import { Icon } from '../../ui/Icon'
import { ErrorNotice } from '../../ui/Notice'
import { SkeletonRows } from '../../ui/Skeleton'
import { StatusShape } from '../../ui/Status'
import { newest, unread } from './seen'
import styles from './NoticeBell.module.css'

const LEVELS: Record<string, Level | 'info'> = { critical: 'crit', warning: 'warn', info: 'info' }

/** Shown at once; older ones are in the audit log. */
const MOST_SHOWN = 30

/** What people were told about changes: how much is new to this reader, and the list. */
export function NoticeBell({ me }: { me: Me }) {
  const found = useQuery(noticesQuery())
  // By person: another one on this browser has read other ones.
  const key = `kubilitics.notices-seen.${me.tenant}.${me.user}`
  const [seen, setSeen] = useState(() => recall(key) ?? '')
  const [open, setOpen] = useState(false)
  const items = found.data?.items ?? []
  const fresh = new Set(unread(items, seen).map(({ id }) => id))
  const turn = (next: boolean) => {
    setOpen(next)
    // Marked as seen on closing, so that what is new stays marked while it is read.
    if (!next) {
      const last = newest(items, seen)
      remember(key, last)
      setSeen(last)
    }
  }
  const words = fresh.size ? `Notices, ${fresh.size} new` : 'Notices'
  return (
    <Popover.Root open={open} onOpenChange={turn}>
      <Popover.Trigger asChild>
        <button type="button" className={styles.bell} aria-label={words} title={words}>
          <Icon name="bell" />
          {fresh.size > 0 && (
            <span className={styles.count} aria-hidden="true">
              {fresh.size > 99 ? '99+' : fresh.size}
            </span>
          )}
        </button>
      </Popover.Trigger>
      {/* In place, not in a portal: so it stays inside the landmark of its button. */}
      <Popover.Content
        className={styles.content}
        align="end"
        sideOffset={4}
        collisionPadding={8}
        aria-label="Notices"
      >
        <h2 className={styles.heading}>Notices</h2>
        {found.isPending && <SkeletonRows count={3} label="Loading notices" />}
        {found.isError && <ErrorNotice error={found.error} onRetry={() => void found.refetch()} />}
        {found.data && items.length === 0 && (
          <p className={styles.none}>Nothing yet. What changes came to is told here.</p>
        )}
        <ul>
          {items.slice(0, MOST_SHOWN).map((notice) => (
            <Entry
              key={notice.id}
              notice={notice}
              fresh={fresh.has(notice.id)}
              onFollow={() => turn(false)}
            />
          ))}
        </ul>
      </Popover.Content>
    </Popover.Root>
  )
}

function Entry({ notice, fresh, onFollow }: { notice: ChangeNotice; fresh: boolean; onFollow: () => void }) {
  return (
    <li className={styles.entry} data-fresh={fresh}>
      <StatusShape level={LEVELS[notice.severity] ?? 'unknown'} />
      <div className={styles.body}>
        {notice.cluster && notice.change ? (
          <Link
            to="/c/$cluster/changes/$change"
            params={{ cluster: notice.cluster, change: notice.change }}
            preload={false}
            onClick={onFollow}
          >
            {notice.title}
          </Link>
        ) : (
          <span>{notice.title}</span>
        )}
        {notice.text && <p className={styles.text}>{notice.text}</p>}
      </div>
      <span className={styles.age} title={clockTime(notice.at)}>
        {fresh && <span className="visually-hidden">New, </span>}
        {age(notice.at, Date.now())}
      </span>
    </li>
  )
}
