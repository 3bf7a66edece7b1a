import styles from './SimulatedChip.module.css'

/** Beside the name of a simulated cluster, wherever the name stands alone: nothing on it is measured on machines. */
export function SimulatedChip() {
  return (
    <span className={styles.chip} title="Objects, metrics and faults of this cluster are simulated">
      SIMULATED
    </span>
  )
}
