import { useId, type ReactNode } from 'react';

export interface ChoiceProps<Option extends string> {
  readonly label: string;
  readonly options: readonly Option[];
  readonly chosen: Option;
  readonly nameOf: (option: Option) => string;
  readonly onChoose: (option: Option) => void;
  /** Shows the label only to screen readers. */
  readonly hideLabel?: boolean;
}

/** A segmented control made of radio buttons, so that arrow keys work. */
export function Choice<Option extends string>(props: ChoiceProps<Option>): ReactNode {
  const { label, options, chosen, nameOf, onChoose, hideLabel = false } = props;
  const name = useId();
  return (
    <fieldset className="choice">
      <legend className={hideLabel ? 'visually-hidden' : undefined}>{label}</legend>
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
