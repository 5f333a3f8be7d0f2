//! Every key, one line each: field, type, how it is read with its default and what it allows, what it acts on, what it means. From these
//! lines come the fields of [`Config`], its JSON and digest, what `maps.json` compares, `meltcore config keys`, and README's table.
//!
//! To add a key, add its line; `.unless_default()` keeps it out of the digests of runs that leave it alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::keys::{Carried, Key, MAPS, NOTHING, WEIGHTS, WEIGHTS_AND_MAPS, keys, value};
use super::reader::{COUNT, COUNT_OR_0, Numbers, Reader, SIDE, WIDTH};
use super::{BestBy, BorderKey, CropsOfClasses, CropsOfScenes, Freeze, LocationKey, LossFunction, ModelKey};
use super::{Objective, Precision, PretrainingSplit, TaskKey};
use crate::domains::{COLORS, Domain, DomainKey, Fill, Source};
use crate::error::Result;
use crate::kernels::activation::Activation;
use crate::optim::{EpsMode, OptimizerKind, SchedulerKind};

const SCHEDULERS: [&str; 5] = ["constant", "ReduceLROnPlateau", "CosineAnnealingWarmRestarts", "CosineRestartsAt", "WarmupCosine"];
const PLATEAU: SchedulerKind = SchedulerKind::ReduceLROnPlateau;

/// Other names of keys, each with the name that it stands for.
pub(super) const ALIASES: [(&str, &str); 1] = [("decoder_use_norm", "decoder_use_batchnorm")];

keys! {
"Task and network" {
    task: TaskKey = choice(TaskKey::MeltFraction, TaskKey::WORDS), WEIGHTS_AND_MAPS.unless_default(), "what networks are trained for: melt_fraction (0…1, with F1 of melt above 0.1), regression of any quantity, segmentation into classes, or calving_front, zones of radar scenes and the front between glacier and ocean";
    domain: DomainKey = domain(), WEIGHTS_AND_MAPS.unless_default(), "whose table says what variables mean: helheim, daily maps on one grid; scenes, named scenes on grids of their own; absent: what the task needs";
    model_key: ModelKey = choice(ModelKey::TimeInterpolateSar, ModelKey::WORDS), WEIGHTS_AND_MAPS, "the network or baseline";
    classes: Vec<String> = classes(), WEIGHTS_AND_MAPS.unless_default(),
        "segmentation: names of the classes by their numbers in class maps, from 0, for example [background, glacier]; calving_front: of its zones, glacier and ocean among them, where they are not [na, stone, glacier, ocean]";
    ignore_index: usize = integer(255, 0..=65_535), WEIGHTS.unless_default(), "segmentation: number of pixels of class maps that count nowhere";
    reference_labels: bool = boolean(false), WEIGHTS.unless_default(),
        "segmentation: as GlaViTU's program treats pixels without a class: they count in the loss as belonging to none, and in scores as class 0";
    seed: u64 = seed(42), WEIGHTS, "seed of every random draw";
    precision: Precision = precision(), WEIGHTS_AND_MAPS.carried(Carried::Not), "arithmetic of the network: f32, or mixed, in which convolutions, linear layers and attention multiply f16 numbers and add in f32, weights stay f32, and training scales its loss";
}
"Data" {
    data_root: PathBuf = folder("."), MAPS.carried(Carried::Not), "folder that the paths of variables are relative to";
    in_keys: Vec<String> = channels(|source| source == Source::Daily), WEIGHTS_AND_MAPS,
        "inputs of one raster a day; their order has no effect";
    in_keys_static: Vec<String> = channels(|source| source == Source::Constant), WEIGHTS_AND_MAPS, "inputs of one raster for all days";
    in_keys_aux: Vec<String> = channels(|source| matches!(source, Source::Date(_) | Source::Winter)), WEIGHTS_AND_MAPS,
        "inputs made from the date, and those of one raster a year";
    target: Option<String> = target(), WEIGHTS_AND_MAPS.unless_default(),
        "what maps are trained on: a variable of your own, with its path; absent: the domain's, melt";
    constant_inputs: BTreeMap<String, f64> = numbers_by_name("for example {pmw: 201.5}"),
        WEIGHTS_AND_MAPS.unless_default().carried(Carried::Told),
        "inputs that hold one value at every pixel instead of their rasters' values, in the rasters' unit";
    variable_paths as "path_<variable>": BTreeMap<String, PathBuf> = variable_paths(), WEIGHTS_AND_MAPS.carried(Carried::Not),
        "folder (or file) of a variable's rasters";
    mean as "mean_<variable>": BTreeMap<String, f64> = means(), WEIGHTS_AND_MAPS, "mean of a variable, in its unit";
    std as "std_<variable>": BTreeMap<String, f64> = deviations(), WEIGHTS_AND_MAPS,
        "standard deviation of a variable, in its unit";
    divided_by as "max_<input>": BTreeMap<String, f64> = own_numbers(Numbers::Positive), WEIGHTS_AND_MAPS,
        "a variable of your own is divided by this first; of a target in percent 100, whose maps are then 0…1 (those of regression stay in its unit)";
    logarithm as "log_<input>": BTreeMap<String, bool> = own_flags(), WEIGHTS_AND_MAPS,
        "whether ln(1 + x) is taken of an input of your own, of values x divided by max; mean and std are those of the result";
    decimal_logarithm as "log10_<input>": BTreeMap<String, f64> = own_numbers(Numbers::Positive), WEIGHTS_AND_MAPS,
        "a small number a: log10(x + a) is taken of an input of your own, as GlaViTU's program does of linear radar backscatter with 1.0e-6";
    bands as "bands_<input>": BTreeMap<String, Vec<usize>> = bands(), WEIGHTS_AND_MAPS,
        "which bands of its files are inputs, from 1: `<input>_b1` and so on, each with mean and std; absent: the only one";
    fill as "fill_<variable>": BTreeMap<String, Fill> = fills(), WEIGHTS_AND_MAPS,
        "what an input's pixels without a value get: mean, nearest (pixel), time (day before or after) or a value; absent: refused";
    optional as "optional_<input>": BTreeMap<String, bool> = own_flags(), WEIGHTS_AND_MAPS,
        "whether a day or scene may lack the file of an input of your own, which then has no value at any pixel; filled by mean where fill says nothing";
    gap_mask: bool = boolean(false), WEIGHTS_AND_MAPS.unless_default(),
        "whether each filled input is followed by another one, `<input>_gap`: 1 where there was no value, else 0";
    label as "label_<variable>": BTreeMap<String, String> = texts(), NOTHING.carried(Carried::Choice), "title of a variable's pictures";
    unit as "unit_<variable>": BTreeMap<String, String> = texts(), NOTHING.carried(Carried::Choice), "unit of a variable";
    range as "range_<variable>": BTreeMap<String, [f64; 2]> = ranges(), NOTHING.carried(Carried::Choice), "values at the ends of a variable's colours";
    colors as "colors_<variable>": BTreeMap<String, String> = words(&COLORS), NOTHING.carried(Carried::Choice),
        "colours of a variable: viridis, grey, elevation or diverging";
    max_mar_wa1: f64 = number(1.0, Numbers::Positive), WEIGHTS_AND_MAPS, "mar_wa1 is divided by this before it is normalised";
    max_modis: f64 = number(10_000.0, Numbers::Positive), WEIGHTS_AND_MAPS, "reflectances of MODIS are divided by this";
    normalize_inputs: bool = boolean(true), WEIGHTS_AND_MAPS, "whether inputs are normalised by mean and standard deviation";
    blur_kernel_size as "<variable>_GaussianBlur_kernel_size": BTreeMap<String, usize> = odd_sizes(), WEIGHTS_AND_MAPS,
        "window of a variable's blur, pixels, odd; 1 for none";
    blur_sigma as "<variable>_GaussianBlur_sigma": BTreeMap<String, f64> = numbers(Numbers::Positive), WEIGHTS_AND_MAPS,
        "sigma of a variable's blur, pixels";
    use_batch_blur: bool = boolean(false), WEIGHTS_AND_MAPS, "the reference's batched blur: mar_wa1 takes the window of pmw";
    mask_threshold: f64 = number(0.5, Numbers::Finite), WEIGHTS_AND_MAPS.carried(Carried::Choice),
        "ocean is where the land mask as an input exceeds this";
    ignore_values: Option<Vec<usize>> = ascending(0..=65_535), WEIGHTS_AND_MAPS.unless_default().carried(Carried::Not),
        "values of the masks in `path_ignore` that take a pixel out, for example [3, 4]; absent: every value but 0";
    check_for_invalid_entries: bool = boolean(false), WEIGHTS, "whether days with invalid entries are looked for and left out";
}
"The network's shape" {
    activation: Activation = activation(), WEIGHTS_AND_MAPS, "activation between layers; linear with linear_dem";
    out_activation: Activation = out_activation(), WEIGHTS_AND_MAPS, "activation of the output";
    out_channels: usize = out_channels(), WEIGHTS_AND_MAPS, "output maps; of a segmentation one a class, of quantiles one each";
    base_channels: usize = integer(64, WIDTH), WEIGHTS_AND_MAPS, "width of the vanilla UNet's first level";
    bilinear: bool = boolean(false), WEIGHTS_AND_MAPS, "unet: bilinear up-sampling instead of transposed convolutions";
    num_extra_convs: usize = integer(0, 0..=1000), WEIGHTS_AND_MAPS, "unet: repetitions of the shared extra convolutions";
    encoder_name: String = encoder_name(), WEIGHTS_AND_MAPS, "encoder of unet_smp and deeplabv3; there is one";
    encoder_depth: usize = integer(5, 1..=5), WEIGHTS_AND_MAPS, "stages of the encoder";
    encoder_weights: Option<String> = text(), WEIGHTS, "first weights of the encoder: a safetensors file";
    encoder_output_stride: usize = encoder_output_stride(), WEIGHTS_AND_MAPS, "deeplabv3: output stride of the encoder, 8 or 16";
    decoder_use_batchnorm: bool = decoder_use_batchnorm(), WEIGHTS_AND_MAPS, "unet_smp: batch norm in the decoder";
    decoder_channels: Vec<usize> = decoder_channels(), WEIGHTS_AND_MAPS, "unet_smp: one width a stage; deeplabv3: one number, 256";
    decoder_atrous_rates: Vec<usize> = decoder_atrous_rates(), WEIGHTS_AND_MAPS, "deeplabv3: the three dilation rates";
    batch_norm: bool = boolean(true), WEIGHTS_AND_MAPS, "deeplabv3: batch norm in the decoder";
    dropout: Option<f64> = dropout(), WEIGHTS_AND_MAPS.unless_default().carried(Carried::Told),
        "share of values (glavitu: also of whole maps) that is dropped in training, and of maps with --mc-dropout; absent: deeplabv3 0.5, tyrion 0.1, glavitu 0";
    upsampling: usize = integer(4, 1..=64), WEIGHTS_AND_MAPS, "deeplabv3: last up-sampling factor";
    width: usize = integer(64, WIDTH), WEIGHTS_AND_MAPS.unless_default(), "glavitu: channels of its maps at full resolution, and of a token";
    hidden: Option<usize> = optional_integer(WIDTH), WEIGHTS_AND_MAPS.unless_default(), "glavitu: channels within the transformer's MLPs; absent: four times width";
    blocks: usize = integer(12, 0..=1000), WEIGHTS_AND_MAPS.unless_default(), "glavitu: blocks of the transformer";
    heads: usize = integer(4, 1..=1024), WEIGHTS_AND_MAPS.unless_default(), "glavitu: heads of its attention";
    patch: usize = integer(16, 1..=1024), WEIGHTS_AND_MAPS.unless_default(), "glavitu: pixels along a patch, of which a token is made";
    resunet_steps: usize = integer(3, 0..=8), WEIGHTS_AND_MAPS.unless_default(), "glavitu: halvings of the residual UNet";
    deep_supervision: bool = boolean(true), WEIGHTS_AND_MAPS.unless_default(), "glavitu: whether an auxiliary head is trained along";
    auxiliary_weight: f64 = number(0.5, Numbers::NotNegative), WEIGHTS.unless_default(), "glavitu: weight of the auxiliary head's loss";
    embed_dim: usize = integer(96, WIDTH), WEIGHTS_AND_MAPS.unless_default(), "tyrion: channels of the first stage's tokens, doubled by each further one";
    depths: Vec<usize> = stages(&[2, 2, 6, 2]), WEIGHTS_AND_MAPS.unless_default(), "tyrion: blocks of each stage";
    num_heads: Vec<usize> = stages(&[3, 6, 12, 24]), WEIGHTS_AND_MAPS.unless_default(), "tyrion: heads of each stage's attention";
    window_size: usize = integer(16, 1..=64), WEIGHTS_AND_MAPS.unless_default(), "tyrion: tokens along a window of its attention";
    patch_size: usize = integer(4, 1..=64), WEIGHTS_AND_MAPS.unless_default(), "tyrion: pixels along a patch, of which a token is made";
    drop_path: f64 = number(0.0, Numbers::Share), WEIGHTS.unless_default(),
        "tyrion: share of samples for which the last block's branches are dropped in training, less in front of it";
    location: LocationKey = choice(LocationKey::None, LocationKey::WORDS), WEIGHTS_AND_MAPS.unless_default(),
        "glavitu: what it sees of where a crop lies: none, region (that of its scene), or coordinates";
    regions: Vec<String> = regions(), WEIGHTS_AND_MAPS.unless_default(),
        "location region: codes of the regions, for example [ALP, HMA]; absent: those that the train scenes' names begin with";
    path_regions: Option<PathBuf> = path(), MAPS.unless_default().carried(Carried::Not),
        "location region: list of NAME,REGION, of scenes whose names do not begin with their region";
    n_models: usize = integer(12, 1..=12), WEIGHTS_AND_MAPS, "linear_dem: monthly models";
    time_channel_idx: usize = integer(1, 0..=65_535), WEIGHTS_AND_MAPS, "linear_dem: the input channel that holds the month";
}
"Training" {
    img_size: [usize; 2] = size([512, 512]), WEIGHTS_AND_MAPS.carried(Carried::Told), "size of crops and tiles, [rows, columns], pixels";
    batch_size: usize = integer(8, WIDTH), WEIGHTS, "crops that go through the network at once";
    crops_per_epoch: Option<usize> = optional_integer(COUNT), WEIGHTS.unless_default(),
        "scenes: crops of an epoch; absent: four times the crops that fit side by side into the train scenes";
    crops_of_classes: CropsOfClasses = choice(CropsOfClasses::AsTheyAre, CropsOfClasses::WORDS), WEIGHTS.unless_default(),
        "segmentation of scenes, melt_fraction: `even` draws each crop of training about a pixel of a class drawn evenly, so that rare classes are seen (of melt those above 0.1 and the others), and day; `as_they_are` anywhere";
    crops_of_scenes: CropsOfScenes = crops_of_scenes(), WEIGHTS.unless_default(),
        "scenes: `drawn` draws the scene of each crop of training, `in_turn` takes all of them in a random order, again and again; calving_front: absent in_turn";
    border: BorderKey = border(), WEIGHTS_AND_MAPS.unless_default().carried(Carried::Choice),
        "scenes: what lies beyond their edges: `zeros`, where nothing counts, or the scene mirrored, `symmetric`; calving_front: absent symmetric";
    reference_windows: bool = boolean(false), WEIGHTS_AND_MAPS.unless_default().carried(Carried::Choice),
        "calving_front: odd ways of SSL4SAR's program with windows and maps: classes of resized windows between others, frames that may be a pixel wider, half of all crops not turned, a smaller last step of an epoch that lacks batches, means of several maps in half precision, 7777 m where no map has a front";
    accumulate_steps: usize = integer(1, WIDTH), WEIGHTS, "batches whose gradients make one optimizer step";
    recompute: bool = boolean(false), NOTHING,
        "compute blocks again in the backward pass instead of keeping them: less memory, the same bits";
    epochs: usize = integer(500, COUNT), NOTHING, "epochs to train";
    early_stopping: usize = integer(0, COUNT_OR_0), NOTHING.unless_default(),
        "epochs without a better one (`best_by`) after which a run ends before `epochs`; 0: never";
    optimizer: OptimizerKind = choice(OptimizerKind::Adam, &["adam", "adamw", "sgd", "rmsprop"]), WEIGHTS, "rule of the optimizer";
    learning_rate: f64 = number(1e-4, Numbers::Positive), WEIGHTS, "learning rate at the start";
    weight_decay: f64 = number(0.0, Numbers::NotNegative), WEIGHTS, "L2 penalty that is added to the gradient; of adamw: share of the learning rate by which weights shrink";
    eps: f64 = number(1e-8, Numbers::Positive), WEIGHTS.unless_default(), "adam, adamw, rmsprop: added to the root in the denominator";
    eps_mode: EpsMode = choice(EpsMode::Torch, &["torch",
        "keras"]), WEIGHTS.unless_default(), "adam, adamw: `torch` adds eps behind the bias correction, `keras` before it";
    momentum: Option<f64> = optional_number(Numbers::NotNegative), WEIGHTS.unless_default(), "sgd, rmsprop: share of the step before that a step keeps; absent: 0.999 of rmsprop, 0 of sgd";
    freeze: Option<Freeze> = freeze(), WEIGHTS.unless_default(),
        "what does not move: `encoder`, names of modules, or a number: for so many epochs all that was loaded";
    sharpness_aware: f64 = number(0.0, Numbers::NotNegative), WEIGHTS.unless_default(),
        "how far up the gradient the weights are where an optimizer's gradient is taken (SAM), for example 0.05; takes twice as long; 0: not at all";
    gradient_clipping: f64 = number(1.0, Numbers::Positive), WEIGHTS, "largest total norm of the gradient";
    loss_function: LossFunction = loss_function(), WEIGHTS,
        "training loss: of valid pixels l1 or mse, the mean absolute or squared error, huber, focal_l1, l1_ssim or pinball; of a segmentation focal, cross_entropy, dice, or a sum such as cross_entropy+dice, which is calving_front's";
    focal_gamma: f64 = number(2.0, Numbers::NotNegative), WEIGHTS.unless_default(), "focal loss: power of what is missing to certainty; focal_l1: power, above 0, of an absolute error by which it is weighted";
    huber_delta: f64 = number(0.1, Numbers::Positive), WEIGHTS.unless_default(), "huber: error up to which half its square counts; beyond it costs this much a unit";
    ssim_weight: f64 = number(0.1, Numbers::Positive), WEIGHTS.unless_default(), "l1_ssim: weight of one minus the structural similarity, beside the absolute error's 1";
    ssim_sigma: f64 = number(1.5, Numbers::Positive), WEIGHTS.unless_default(), "l1_ssim: standard deviation of the similarity's window, pixels; a frame of 3.5 times this does not count";
    quantiles: Vec<f64> = quantiles(), WEIGHTS_AND_MAPS.unless_default(), "melt_fraction, pinball: ascending levels of the quantiles that are learnt, one a channel of the output, with 0.5, the median, which maps show; for example [0.1, 0.5, 0.9]";
    dice_smooth: f64 = dice_smooth(), WEIGHTS.unless_default(),
        "Dice loss: number of pixels added to both sides of its quotients; calving_front: absent 1.0e-5";
    label_smoothing: f64 = smoothing(), WEIGHTS.unless_default(),
        "focal loss and cross entropy: share of a target that goes to all classes alike while training";
    label_smoothing_others: f64 = smoothing_of_others(), WEIGHTS.unless_default(),
        "cross entropy: share of a target that goes to the other classes alike while training; calving_front: absent 0.1";
    centre_weight: f64 = centre_weight(), WEIGHTS.unless_default(),
        "segmentation, calving_front: weight of the loss of each crop's central half, rows and columns, beside that of all of it; calving_front: absent 0.5";
    class_weights: Vec<f64> = class_weights(), WEIGHTS.unless_default(), "focal loss and cross entropy: weight of each class; absent: 1 each";
    lr_scheduler: SchedulerKind = choice(PLATEAU, &SCHEDULERS), WEIGHTS, "schedule of the learning rate; constant: none";
    lr_patience: usize = integer(10, COUNT_OR_0), WEIGHTS, "ReduceLROnPlateau: epochs without a better validation loss before a cut";
    lr_factor: f64 = lr_factor(), WEIGHTS.unless_default(), "ReduceLROnPlateau: what a cut multiplies the rate by";
    t_0 as "T_0": usize = integer(35, COUNT), WEIGHTS, "CosineAnnealingWarmRestarts: epochs until the first restart";
    t_mult as "T_mult": usize = integer(2, COUNT), WEIGHTS, "CosineAnnealingWarmRestarts: growth of the period";
    eta_min: f64 = number(0.0, Numbers::NotNegative), WEIGHTS,
        "CosineAnnealingWarmRestarts, WarmupCosine: learning rate at the end of a period";
    restarts_at: Option<Vec<usize>> = ascending(COUNT), WEIGHTS.unless_default(),
        "CosineRestartsAt: epochs after which the rate starts again, for example [10, 30, 70, 150]; the last is the end";
    warmup_epochs: usize = integer(0, COUNT_OR_0), WEIGHTS.unless_default(),
        "WarmupCosine: epochs in which the rate rises from 0; then it falls to the end of `epochs`";
    starting_epoch: usize = integer(1, COUNT), NOTHING, "number of the first epoch";
    epochs_between_checkpoint_save: usize = integer(10, COUNT), NOTHING, "epochs between checkpoints that are kept";
    periodical_evaluation: bool = boolean(false), NOTHING, "whether training maps whole scenes now and then";
    epochs_between_periodical_evaluation: usize = integer(10, COUNT), NOTHING, "epochs between such maps";
    epochs_between_validation_maps: usize = validation_interval(), NOTHING.unless_default(),
        "scenes: epochs between whole maps of the val split, whose scores go into the log; 0: none; calving_front: absent 1";
    best_by: BestBy = choice(BestBy::Loss, BestBy::WORDS), NOTHING.unless_default(),
        "what chooses best.safetensors: loss; of maps of the val split iou, or mde, the distance to the fronts of path_fronts";
    front_resolution: Option<f64> = optional_number(Numbers::Positive), NOTHING.unless_default(),
        "calving_front: metres a pixel where fronts are drawn and scored; absent: what a scene's name says, or its place";
    tensorboard: bool = boolean(true), NOTHING, "event files beside `log.jsonl`";
}
"Augmentation" {
    augment_flip: bool = boolean(false), WEIGHTS.unless_default(), "whether crops to train on are mirrored at random, rows and columns each";
    augment_turn: bool = boolean(false), WEIGHTS.unless_default(),
        "whether crops to train on are turned at random by quarters; by halves where they are not square";
    augment_scale: [f64; 2] = factors([1.0, 1.0]), WEIGHTS.unless_default(),
        "bounds of the factor by which crops to train on are enlarged at random, for example [0.8, 1.25]";
    augment_noise: f64 = number(0.0, Numbers::NotNegative), WEIGHTS.unless_default(),
        "standard deviation of noise on inputs to train on, for example 0.05, where a normalised input has 1";
    augment_noise_probability: f64 = number(1.0, Numbers::Share), WEIGHTS.unless_default(),
        "share of crops in which an input gets that noise, drawn for each input, its bands together";
    augment_coarse_noise: BTreeMap<String, f64> = numbers_by_name("for example {mar_wa1: 0.2}"), WEIGHTS.unless_default(),
        "errors of coarse inputs to train on, the same over some distance: their standard deviation by input, where a normalised one has 1, for example {mar_wa1: 0.2}";
    augment_coarse_noise_spacing: usize = integer(64, WIDTH), WEIGHTS.unless_default(), "augment_coarse_noise: pixels over which an error is about the same";
    augment_crop: f64 = crop_share(), WEIGHTS.unless_default(),
        "least share of a crop's sides that half of all crops to train on are cut to and stretched back from, by the nearest pixel, for example 0.8";
    augment_contrast: [f64; 2] = factors([1.0, 1.0]), WEIGHTS.unless_default(),
        "bounds of the power that half of all inputs to train on are raised to, each band by its own; of normalised values, those below 0 become 0; for example [0.8, 1.2]";
    augment_occlusion: f64 = number(0.0, Numbers::Share), WEIGHTS.unless_default(),
        "largest share of a crop's sides of a rectangle in which half of all inputs to train on are 0 once normalised, for example 0.5";
    augment_shift: f64 = number(0.0, Numbers::NotNegative), WEIGHTS.unless_default(),
        "standard deviation of a shift of half of all inputs to train on, each band by its own, for example 0.025, where a normalised input has 1";
    augment_channel_dropout: f64 = number(0.0, Numbers::Share), WEIGHTS.unless_default(),
        "probability that an input to train on is its mean everywhere, for example 0.1; never all of a crop's";
    augment_zoom: [f64; 2] = factors([1.0, 1.0]), WEIGHTS.unless_default(),
        "scenes: bounds of the factor by which sides of the windows that crops to train on are brought from are longer than a crop's, for example [0.33, 2.83]; their places are drawn anew";
    augment_zoom_probability: f64 = number(0.5, Numbers::Share), WEIGHTS.unless_default(), "share of crops that augment_zoom acts on";
    augment_mixup_ocean: f64 = number(0.0, Numbers::Share), WEIGHTS.unless_default(),
        "scenes, a class `ocean`: share of crops to train on through whose ocean another window shines with a weight of 0.15 to 0.3, for example 0.3";
    augment_speckle: f64 = number(0.0, Numbers::Share), WEIGHTS.unless_default(),
        "share of crops to train on whose daily inputs get Poisson noise as of radar, for example 0.2; 0 and 1 of their scale are its bounds";
    augment_brightness: [f64; 2] = factors([1.0, 1.0]), WEIGHTS.unless_default(),
        "bounds of the factor that daily inputs to train on are multiplied by, for example [0.6, 1.4]; 0 and 1 of their scale are its bounds";
    augment_brightness_probability: f64 = number(0.2, Numbers::Share), WEIGHTS.unless_default(), "share of crops that augment_brightness acts on";
    augment_gamma: [f64; 2] = factors([1.0, 1.0]), WEIGHTS.unless_default(),
        "bounds of the power that daily inputs to train on are raised to, of values from 0 to 1 of their scale, for example [0.7, 1.3]";
    augment_gamma_probability: f64 = number(0.2, Numbers::Share), WEIGHTS.unless_default(), "share of crops that augment_gamma acts on";
    augment_unknown_region: f64 = number(0.0, Numbers::Share), WEIGHTS.unless_default(),
        "location region: probability that a crop to train on is of an unknown region, for example 0.1";
}
"Pretraining" {
    objective: Objective = choice(Objective::None, Objective::WORDS), WEIGHTS.unless_default(),
        "what `meltcore pretrain` learns, which sets it by --objective: masked, the inputs where they are hidden; optsimmim and opttranslator, the optical scene of each radar scene's place";
    hidden_share: Option<f64> = optional_number(Numbers::Share), WEIGHTS.unless_default(),
        "masked: share of a crop's patches whose inputs are hidden; optsimmim: of its tokens; absent: 0.5, optsimmim 0.3";
    hidden_patch: usize = integer(16, 1..=4096), WEIGHTS.unless_default(), "masked: pixels along such a patch";
    pretraining_split: PretrainingSplit = choice(PretrainingSplit::Train, PretrainingSplit::WORDS), WEIGHTS.unless_default(),
        "list of days or scenes that a pretraining learns from, whose targets it does not look at: train, all, or deploy";
    path_pretraining: Option<PathBuf> = path(), NOTHING, "folder of a pretraining's checkpoints and logs; absent: `pretraining` beside path_checkpoints";
}
"Maps" {
    prediction_batch_size: usize = integer(1, WIDTH), NOTHING, "tiles that go through the network at once";
    prediction_stride: Option<usize> = optional_integer(SIDE), MAPS, "pixels between tiles; absent: the rows of img_size, of scenes half of its smaller side, of calving_front half of what is kept of a tile";
    centre: Option<usize> = optional_integer(SIDE), MAPS.unless_default(),
        "maps blended by centre-gaussian: pixels along the middle of a tile that are kept; absent: half of img_size";
    erode_size: usize = integer(0, 0..=100_000), MAPS, "pixels that are dropped at each inner side of a tile";
    apply_landmask_to_predictions: bool = boolean(false), MAPS, "whether maps of the deploy split are 0 on ocean";
    mask_outputs: bool = boolean(false), MAPS.unless_default(), "whether maps have no value where the land mask says ocean, or a mask of `path_ignore` takes the pixel out";
    min_melt: f64 = number(0.0, Numbers::Finite), MAPS, "lower clip of maps";
    max_melt: f64 = number(1.0, Numbers::Finite), MAPS, "upper clip of maps";
    map_power: f64 = number(1.0, Numbers::Positive), MAPS.unless_default(), "melt_fraction: power that finished maps are raised to; where a target of 0 and 1 was learnt by squares, maps are probabilities, and 2.5 brings 0.4 to the 0.1 from which melt counts";
}
"Splits" {
    split_csv as "path_<split>_split_csv": BTreeMap<String, PathBuf> = paths(), NOTHING, "list of days of a split";
    split_cfg: String = choice("csv".to_owned(), &["csv", "stratified_time", "day"]), NOTHING, "how `split` draws the lists";
    val_percent: f64 = number(0.11, Numbers::Share), NOTHING, "share of days for validation";
    test_percent: f64 = number(0.11, Numbers::Share), NOTHING, "share of days for testing";
    n_imgs_per_month: usize = integer(2, 0..=31), NOTHING, "days a month that `stratified_time` draws";
    deploy_start_time: Option<String> = day(), NOTHING, "first day of the deploy split, YYYY_MM_DD";
    deploy_end_time: Option<String> = day(), NOTHING, "last day of the deploy split, YYYY_MM_DD";
}
"Outputs" {
    path_checkpoints: Option<PathBuf> = path(), NOTHING, "folder of checkpoints and logs";
    path_predictions: Option<PathBuf> = path(), NOTHING, "folder of maps";
    path_deploy: Option<PathBuf> = path(), NOTHING, "folder of the deploy split's maps";
    path_eval: Option<PathBuf> = path(), NOTHING, "folder of maps made during training";
}
"Baselines" {
    n_previous_dates: usize = integer(3, COUNT_OR_0), NOTHING, "time_interpolate_sar: train days before; 0 takes all of the year";
    n_posterior_dates: usize = integer(3, COUNT_OR_0), NOTHING, "time_interpolate_sar: train days after; 0 takes none";
    kernel_size: usize = odd(93), NOTHING, "interpolate_mar: window of the blur, pixels, odd";
    sigma: f64 = number(33.0, Numbers::Positive), NOTHING, "interpolate_mar: sigma of the blur, pixels";
    gamma: f64 = number(29.176057091328698, Numbers::Positive), NOTHING, "interpolate_mar: power";
    brightness_factor: f64 = number(143.48383700492423, Numbers::Positive), NOTHING, "interpolate_mar: factor";
}
beside {
    "Task and network" "amp" NOTHING, "`true` means `precision: mixed` where that is absent";
    "Task and network" "dtype" NOTHING, "of the reference; only `float32` is taken";
    "Data" "path_ignore" WEIGHTS, "folder of masks `NAME.tif`, or one raster for all days: pixels that are not 0 there count nowhere in loss and scores; scenes without one count everywhere";
    "Data" "path_bounding_boxes" NOTHING, "calving_front: folder of CaFFe's boxes, outside of which no front is drawn";
    "Data" "path_fronts" NOTHING, "calving_front: folder of drawn fronts `NAME_front.png` or `NAME.tif`, not 0 on a line one pixel wide; they score and are never learnt";
    "Data" "scale_<input>" WEIGHTS_AND_MAPS, "instead of mean and std of an input of your own: [low, high], which a network sees as 0 and 1, for example [-30, 5] of decibels; calving_front: absent [0, 255], grey values of 8 bits";
    "Data" "path_twin" WEIGHTS, "optsimmim, opttranslator: folder of optical scenes `GLACIER_….tif` of 14 bands, one for all radar scenes `…_GLACIER_…` of a glacier, on their grid";
    "Data" "path_melt_reference" MAPS, "raster that gives maps without a target their place";
    "Data" "normalize_melt" NOTHING, "of the reference; only `false` is taken";
    "Data" "blur" NOTHING, "of the reference; only `gaussian` is taken";
}
}
