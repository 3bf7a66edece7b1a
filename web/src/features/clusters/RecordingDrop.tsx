import { useState, type DragEvent } from 'react'
import { bytes, count } from '../../kinds/format'
import { Icon } from '../../ui/Icon'
import { ErrorNotice } from '../../ui/Notice'
import { readDrop, readFolderInput, type Chosen } from './dropped'
import styles from './RecordingDrop.module.css'

/** Takes a recording: an archive as it is, or a folder that the browser packs. */
export function RecordingDrop({
  chosen,
  onChoose,
}: {
  chosen: Chosen | null
  onChoose: (chosen: Chosen) => void
}) {
  const [over, setOver] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const drop = async (event: DragEvent) => {
    event.preventDefault()
    setOver(false)
    setError(null)
    try {
      onChoose(await readDrop(event.dataTransfer))
    } catch (thrown) {
      setError(thrown)
    }
  }
  return (
    <div
      className={styles.drop}
      data-over={over}
      onDragOver={(event) => {
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => void drop(event)}
    >
      <Icon name="upload" size={22} />
      {chosen ? (
        <p className={styles.chosen}>{describe(chosen)}</p>
      ) : (
        <>
          <p className={styles.lead}>Drop a recorded folder or archive here</p>
          <p className={styles.hint}>
            What <code>kubectl cluster-info dump --all-namespaces -o json --output-directory=DIR</code>{' '}
            writes, a support bundle, or files of <code>kubectl get -o json</code>; as a folder, tar, tar.gz,
            tar.xz or zip.
          </p>
        </>
      )}
      <div className={styles.choices}>
        <label className={styles.choice}>
          Choose an archive
          <input
            type="file"
            className="visually-hidden"
            accept=".tar,.gz,.tgz,.xz,.txz,.zip,.json,.yaml,.yml"
            onChange={(event) => {
              const file = event.target.files?.[0]
              if (file) {
                onChoose({ archive: file })
              }
            }}
          />
        </label>
        <label className={styles.choice}>
          Choose a folder
          <input
            type="file"
            className="visually-hidden"
            multiple
            // React has no property for this attribute of every current browser.
            {...{ webkitdirectory: '' }}
            onChange={(event) => event.target.files?.length && onChoose(readFolderInput(event.target.files))}
          />
        </label>
      </div>
      {error !== null && <ErrorNotice error={error} />}
    </div>
  )
}

function describe(chosen: Chosen): string {
  if ('archive' in chosen) {
    return `${chosen.archive.name} (${bytes(chosen.archive.size)})`
  }
  const size = chosen.files.reduce((sum, file) => sum + file.size, 0)
  return `${chosen.folder}/ (${count(chosen.files.length)} files, ${bytes(size)})`
}
