import { StatusWord } from '../../ui/Status'
import { levelOfContainer, resourceWords, stateWords, type Container } from './containers'
import styles from './ContainerList.module.css'

/** Containers of a pod with their state and last end, or of a workload's template. */
export function ContainerList({ containers }: { containers: Container[] }) {
  return (
    <ul className={styles.list}>
      {containers.map((container) => (
        <li key={container.name} className={styles.container}>
          <div className={styles.head}>
            <strong className="mono">{container.name}</strong>
            {container.init && <span className={styles.tag}>init</span>}
            {container.state && (
              <StatusWord level={levelOfContainer(container)} word={stateWords(container.state)} />
            )}
            {Boolean(container.restarts) && <span>{container.restarts} restarts</span>}
          </div>
          {container.state?.message && <p className={styles.message}>{container.state.message}</p>}
          {container.last_state && <p className={styles.line}>Before: {stateWords(container.last_state)}</p>}
          <p className={`${styles.line} mono`}>{container.image}</p>
          <p className={styles.line}>Resources: {resourceWords(container)}</p>
          {facts(container).map((fact) => (
            <p key={fact} className={styles.line}>
              {fact}
            </p>
          ))}
        </li>
      ))}
    </ul>
  )
}

function facts({ ports, probes }: Container): string[] {
  const checks = Object.entries(probes ?? {}).map(([name, text]) => `${name} probe: ${text}`)
  return [
    ports?.length ? `Ports: ${ports.join(', ')}` : '',
    ...(checks.length ? checks : ['No probes']),
  ].filter(Boolean)
}
