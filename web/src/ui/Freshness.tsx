import { useEffect, useState } from 'react'
import { age, clockTime, NONE } from '../kinds/format'
import styles from './Freshness.module.css'

const TICK_MS = 10_000

interface FreshnessProps {
  asOf: string | null | undefined
  recorded: boolean
  /** The last attempt to read newer data failed; what is shown is the last good answer. */
  failing?: boolean
}

/** How old the data on screen is. A recording is as old as it is; live data that stops coming is marked. */
export function Freshness({ asOf, recorded, failing }: FreshnessProps) {
  const now = useNow()
  if (!asOf) {
    return <span className={styles.fresh}>not read yet</span>
  }
  if (recorded) {
    return (
      <span className={styles.fresh} title="Ages on this page count to this time">
        recorded {clockTime(asOf)}
      </span>
    )
  }
  const old = age(asOf, now)
  return (
    <span className={`${styles.fresh} ${failing ? styles.failing : ''}`} title={clockTime(asOf)}>
      {old === NONE ? NONE : `read ${old} ago`}
      {failing && ', retrying'}
    </span>
  )
}

function useNow(): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS)
    return () => clearInterval(timer)
  }, [])
  return now
}
