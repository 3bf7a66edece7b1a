import type { ClusterCheck } from '../../api/types'
import { GapsNotice } from '../../ui/Notice'
import { StatusWord } from '../../ui/Status'
import styles from './CheckResult.module.css'

/** Result of a connection check: reachable or not, and which feature lacks which permission. */
export function CheckResult({ check }: { check: ClusterCheck }) {
  const lacking = check.permissions.filter((permission) => permission.missing.length > 0)
  return (
    <div className={styles.result}>
      <p className={styles.line}>
        <StatusWord
          level={check.reachable ? 'ok' : 'crit'}
          word={check.reachable ? 'Reachable' : 'Not reachable'}
        />
        {check.version && <span>Kubernetes {check.version}</span>}
        {typeof check.latency_ms === 'number' && <span>{Math.round(check.latency_ms)} ms</span>}
        {typeof check.metrics === 'boolean' && (
          <span>{check.metrics ? 'Metrics available' : 'No metrics API'}</span>
        )}
      </p>
      {check.message && <p>{check.message}</p>}
      {check.permissions.length > 0 && (
        <ul className={styles.features}>
          {check.permissions.map((permission) => (
            <li key={permission.feature}>
              <StatusWord level={permission.missing.length ? 'warn' : 'ok'} word={permission.feature} />
              {permission.missing.length > 0 && (
                <span className={styles.missing}>missing: {permission.missing.join(', ')}</span>
              )}
            </li>
          ))}
        </ul>
      )}
      {lacking.length > 0 && (
        <p className={styles.note}>
          Features with missing permissions say so where they appear; the rest works.
        </p>
      )}
      <GapsNotice gaps={check.gaps} />
    </div>
  )
}
