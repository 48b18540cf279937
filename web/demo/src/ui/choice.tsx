import { useId, type ReactNode } from 'react';

export interface ChoiceProps<Option extends string> {
  readonly label: string;
  readonly options: readonly Option[];
  readonly chosen: Option;
  readonly nameOf: (option: Option) => string;
  readonly onChoose: (option: Option) => void;
  /** The label is there for screen readers alone. */
  readonly quiet?: boolean;
}

/** One of a few, side by side: radio buttons, so that the arrow keys work as they do everywhere. */
export function Choice<Option extends string>(props: ChoiceProps<Option>): ReactNode {
  const { label, options, chosen, nameOf, onChoose, quiet = false } = props;
  const name = useId();
  return (
    <fieldset className="choice">
      <legend className={quiet ? 'unseen' : undefined}>{label}</legend>
      <div className="choice-options">
        {options.map((option) => (
          <label key={option}>
            <input
              type="radio"
              name={name}
              checked={option === chosen}
              onChange={() => {
                onChoose(option);
              }}
            />
            <span>{nameOf(option)}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
