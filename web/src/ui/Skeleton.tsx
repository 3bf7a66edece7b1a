import { useEffect, useState } from 'react'
import styles from './Skeleton.module.css'

const DELAY_MS = 150

/** Grey rows at the real row height. Nothing is drawn for the first 150 ms, so that fast answers do not flicker. */
export function SkeletonRows({ count = 8, label = 'Loading' }: { count?: number; label?: string }) {
  const late = useLate(DELAY_MS)
  return (
    <div role="status" aria-label={label} className={styles.rows}>
      {late &&
        Array.from({ length: count }, (_, index) => (
          <div key={index} className={styles.row}>
            <span style={{ width: `${WIDTHS[index % WIDTHS.length]}%` }} />
          </div>
        ))}
    </div>
  )
}

const WIDTHS = [62, 48, 71, 55, 66, 43, 58]

function useLate(delayMs: number): boolean {
  const [late, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), delayMs)
    return () => clearTimeout(timer)
  }, [delayMs])
  return late
}
