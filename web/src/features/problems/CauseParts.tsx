import type { ResourceRef } from '../../api/types'
import { refKey, ResourceLink } from '../../kinds/ResourceLink'
import { CopyCommand } from '../../ui/CopyCommand'
import styles from './CauseParts.module.css'

// What is told of a cause, the same wherever one is shown. A part without content is not there.

/** From the cause to what is seen of it. */
export function CauseChain({ steps }: { steps: string[] }) {
  return steps.length === 0 ? null : (
    <section>
      <h3 className={styles.heading}>Chain of causes</h3>
      <ol className={styles.chain}>
        {steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
    </section>
  )
}

/** What to do about it, with a command to copy. */
export function RemedyNote({ remedy }: { remedy: { text: string; command: string | null } }) {
  return !remedy.text ? null : (
    <section>
      <h3 className={styles.heading}>What to do</h3>
      <p className={styles.remedy}>{remedy.text}</p>
      {remedy.command && (
        <>
          <CopyCommand command={remedy.command} />
          <p className={styles.quiet}>To copy. Nothing has been executed.</p>
        </>
      )}
    </section>
  )
}

export function Explained({ resources, cluster }: { resources: ResourceRef[]; cluster: string | undefined }) {
  return resources.length === 0 ? null : (
    <section>
      <h3 className={styles.heading}>Also explains</h3>
      <ul className={styles.list}>
        {resources.map((resource) => (
          <li key={refKey(resource)}>
            <ResourceLink cluster={cluster} resource={resource} />
          </li>
        ))}
      </ul>
    </section>
  )
}

export function NotKnown({ texts }: { texts: string[] }) {
  return texts.length === 0 ? null : (
    <section>
      <h3 className={styles.heading}>Not known</h3>
      <ul className={styles.list}>
        {texts.map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
    </section>
  )
}
