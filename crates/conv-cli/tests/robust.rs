//! Command lines of extremes and nonsense: an answer or a sentence, never a panic, never both.

use conv_scene::operation::{OPERATIONS, OWN, Operation, Role, word};

const VALUES: [&str; 30] = [
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "7",
    "64",
    "65",
    "1,2",
    "3,2",
    "2,1,3",
    "1,1,1,1",
    "1:2",
    "-1",
    "-1:3,0:1",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "4294967296",
    "4611686018427387904:-4611686018427387904",
    "same",
    "SAME",
    "full",
    "causal",
    "same-upper",
    "x",
    ",",
    "1.5",
];

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn value(&mut self) -> &'static str {
        // Most of them small, so that some settings are legal.
        if self.below(8) > 0 {
            VALUES[1 + self.below(6)]
        } else {
            VALUES[self.below(VALUES.len())]
        }
    }
}

fn settings(random: &mut Random, operation: &Operation, words: &mut Vec<String>) {
    for setting in operation.settings {
        let wanted = setting.required || random.below(5) == 0;
        match setting.role {
            Role::Transposed if wanted => words.push(format!("--{}", setting.name)),
            Role::Transposed => {}
            _ if wanted => words.push(format!("--{}={}", setting.name, random.value())),
            _ => {}
        }
    }
}

#[test]
fn every_command_line_has_an_answer_or_a_sentence() {
    let mut random = Random(1);
    let (mut answered, mut refused) = (0, 0);
    for _ in 0..8000 {
        let verb = [
            "size",
            "solve",
            "translate",
            "macs",
            "matrix",
            "explain",
            "draw",
        ][random.below(7)];
        let mut words = vec!["conv".to_owned(), verb.to_owned()];
        let operation = match random.below(3) {
            0 => &OWN,
            _ => &OPERATIONS[random.below(OPERATIONS.len())],
        };
        if let Some(framework) = operation.framework {
            words.extend([word(framework).to_owned(), operation.name.to_owned()]);
        }
        settings(&mut random, operation, &mut words);
        let extra = match verb {
            "solve" if operation.framework.is_none() => "--to=",
            "explain" => "--at=",
            "matrix" => "--weights=",
            "draw" => "--step=",
            _ => "",
        };
        if !extra.is_empty() && random.below(2) == 0 {
            words.push(format!("{extra}{}", random.value()));
        }
        if random.below(2) == 0 {
            words.push("--json".to_owned());
        }
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = conv_cli::run(&words, &mut out, &mut err);
        assert_eq!(out.is_empty(), code != 0, "{words:?}");
        assert_eq!(err.is_empty(), code == 0, "{words:?}");
        assert!(code <= 2);
        if code == 0 {
            answered += 1;
        } else {
            refused += 1;
        }
    }
    assert!(
        answered > 400 && refused > 400,
        "{answered} answered, {refused} refused"
    );
}
