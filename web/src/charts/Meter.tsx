import styles from './Meter.module.css'

interface MeterProps {
  label: string
  /** Parts of the whole, 0 to 1; null is unknown, which is drawn as nothing and said in words. */
  requested: number
  used: number | null
  text: string
}

const FULL = 0.9

/** Requested and used share of what is allocatable, on one bar: the outline is asked for, the fill is used. */
export function UsageMeter({ label, requested, used, text }: MeterProps) {
  const high = Math.max(requested, used ?? 0) > FULL
  return (
    <div className={styles.usage}>
      <div className={styles.line}>
        <span>{label}</span>
        <span className={styles.text}>{text}</span>
      </div>
      <svg
        className={styles.bar}
        role="img"
        aria-label={`${label}: ${text}`}
        preserveAspectRatio="none"
        viewBox="0 0 100 8"
      >
        <rect width="100" height="8" className={styles.track} />
        <rect
          width={100 * Math.min(1, requested)}
          height="8"
          className={high ? styles.requestedHigh : styles.requested}
        />
        {used !== null && <rect y="2" width={100 * Math.min(1, used)} height="4" className={styles.used} />}
      </svg>
    </div>
  )
}
