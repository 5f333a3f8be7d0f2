//! Configurations: the seven published ones load unchanged; every rule has a case that it refuses.

use meltcore::config::{Config, ModelKey, Precision};
use meltcore::error::Error;
use meltcore::ops::{Activation, LossKind};
use meltcore::optim::{OptimizerKind, SchedulerKind};
use std::path::Path;

fn published(name: &str, overrides: &[&str]) -> Config {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/config/{name}.yaml"));
    let overrides: Vec<_> = overrides.iter().map(|s| s.to_string()).collect();
    Config::load(&file, &overrides).unwrap()
}

fn yaml(text: &str) -> Result<Config, Error> {
    Config::from_yaml(text, "run.yaml", &[])
}

/// Key and whole message of the error that `text` gives.
fn refused(text: &str) -> (String, String) {
    let error = yaml(text).expect_err(text);
    assert_eq!(error.exit_status(), 2, "{text}");
    let message = error.to_string();
    assert!(!message.contains('\n'), "one paragraph: {message}");
    match error {
        Error::Config { key, .. } => (key, message),
        _ => (String::new(), message),
    }
}

#[test]
fn published_unet_smp() {
    let c = published("unet_smp", &[]);
    assert_eq!(c.model_key, ModelKey::UnetSmp);
    assert_eq!((c.seed, c.epochs, c.batch_size, c.img_size), (42, 3, 8, [512, 512]));
    assert_eq!(c.in_keys, ["pmw", "mar_wa1", "time_interpolate_sar"]);
    assert_eq!(c.in_keys_static, ["dem"]);
    assert!(c.in_keys_aux.is_empty());
    assert_eq!(c.require_variable("dem").unwrap(), Path::new("data/raw/Helheim_data/reprojected_100m/GrIMP_DEM/dem_100m.tif"));
    assert_eq!(c.require_mean_std("pmw").unwrap(), (206.1035919189453, 26.77197265625));
    assert_eq!((c.blur_kernel_size["pmw"], c.blur_sigma["pmw"]), (45, 15.0));
    assert_eq!((c.blur_kernel_size["mar_wa1"], c.blur_sigma["mar_wa1"]), (99, 33.0));
    assert_eq!((c.optimizer, c.loss_kind(), c.learning_rate), (OptimizerKind::Adam, LossKind::L1, 1e-4));
    assert_eq!((c.lr_scheduler, c.t_0, c.t_mult, c.eta_min), (SchedulerKind::CosineAnnealingWarmRestarts, 35, 2, 0.0));
    assert!(!c.decoder_use_batchnorm && c.normalize_inputs && c.periodical_evaluation);
    assert_eq!(c.encoder_weights.as_deref(), Some("imagenet"));
    assert_eq!(c.decoder_channels, [256, 128, 64, 32, 16]);
    assert_eq!((c.prediction_stride, c.erode_size, c.epochs_between_checkpoint_save), (Some(480), 16, 1));
    assert_eq!(c.require_path("path_checkpoints").unwrap(), Path::new("./runs/unet_smp/data_v1_4/checkpoints"));
    assert_eq!(c.require_map_folder("deploy").unwrap(), Path::new("data/"));
    assert_eq!(c.require_map_folder("val").unwrap(), Path::new("./runs/unet_smp/data_v1_4/predictions"));
    assert_eq!(c.precision, Precision::F32);
    for key in
        ["device", "wandb_entity", "period_wandb_full_scale_im", "path_sweep_cfg", "path_predictions_unet_smp", "log_weight_histograms"]
    {
        assert!(c.ignored.iter().any(|k| k == key), "{key}");
    }
    assert!(!c.ignored.iter().any(|k| k == "path_predictions"));
}

#[test]
fn published_unet_deeplabv3_and_linear_dem() {
    let c = published("unet", &[]);
    assert_eq!((c.model_key, c.activation, c.num_extra_convs, c.bilinear), (ModelKey::Unet, Activation::Relu, 0, false));
    assert_eq!((c.lr_scheduler, c.lr_patience), (SchedulerKind::ReduceLROnPlateau, 100));
    assert_eq!((c.base_channels, c.gradient_clipping, c.epochs_between_checkpoint_save), (64, 1.0, 10));

    let c = published("deeplabv3", &[]);
    assert_eq!((c.model_key, c.img_size, c.batch_norm, c.upsampling), (ModelKey::DeepLabV3, [304, 304], true, 4));
    assert_eq!((c.decoder_channels, c.decoder_atrous_rates, c.encoder_output_stride), (vec![256], vec![6, 12, 18], 8));

    let c = published("linear_dem", &[]);
    assert_eq!((c.model_key, c.activation, c.out_activation), (ModelKey::LinearDem, Activation::None, Activation::Tanhshelf));
    assert_eq!((c.n_models, c.time_channel_idx, c.learning_rate, c.prediction_stride), (12, 1, 5.0, None));
    assert_eq!((c.seed, c.loss_kind(), c.in_keys_aux), (40, LossKind::Mse, vec!["time_month_idx".to_owned()]));
}

#[test]
fn published_baselines() {
    let c = published("time_interpolate_sar", &[]);
    assert_eq!((c.model_key, c.n_previous_dates, c.n_posterior_dates), (ModelKey::TimeInterpolateSar, 3, 3));
    assert_eq!((c.deploy_start_time.as_deref(), c.deploy_end_time.as_deref()), (Some("2017_04_01"), Some("2023_09_30")));
    // The published file names no model; training from it is refused by the accessor.
    assert!(c.require_model_key().unwrap_err().to_string().contains("model_key"));

    let c = published("interpolate_mar", &[]);
    assert_eq!((c.model_key, c.kernel_size, c.sigma), (ModelKey::InterpolateMar, 93, 33.0));
    assert_eq!((c.brightness_factor, c.gamma, c.mask_threshold), (143.48383700492423, 29.176057091328698, 0.5));
    assert_eq!(c.blur_kernel_size["mar_wa1"], 1);

    let c = published("threshold_pmw", &[]);
    assert_eq!((c.model_key, c.normalize_inputs), (ModelKey::ThresholdPmw, false));
    assert!(c.require_variable("pmw_winter_mean").is_ok());
}

#[test]
fn everything_written_out_loads_again() {
    let constant = "constant_inputs={pmw: 201.5, dem: 0}";
    for (name, set) in [("unet", vec![constant]), ("unet_smp", vec![]), ("unet", vec![]), ("deeplabv3", vec![]), ("linear_dem", vec![])]
        .into_iter()
        .chain(["time_interpolate_sar", "interpolate_mar", "threshold_pmw"].map(|name| (name, vec![])))
    {
        let c = published(name, &set);
        let again = yaml(&serde_json::to_string(&c.to_json()).unwrap()).unwrap();
        assert_eq!(again.to_json(), c.to_json(), "{name}");
        assert_eq!(again.digest(), c.digest(), "{name}");
    }
}

#[test]
fn overrides_win_and_are_named_in_errors() {
    let c = published("unet", &["img_size=[256, 128]", "data_root=/d", "epochs=7", "epochs=8", "path_eval=", "prediction_stride=null"]);
    assert_eq!((c.img_size, c.epochs, c.path_eval.as_ref(), c.prediction_stride), ([256, 128], 8, None, None));
    assert_eq!(c.require_variable("melt_reference").unwrap().parent().unwrap().parent().unwrap().file_name().unwrap(), "S1Xv1.2");
    assert!(c.require_variable("dem").unwrap().starts_with("/d"));
    for (set, wanted) in [
        ("epochs=0", "--set: key `epochs`: must be a whole number from 1 to 1000000, but 0 was given"),
        ("epoch=3", "--set: key `epoch`: is not a known key; did you mean `epochs`?"),
        ("epochs", "must have the form key=value"),
        ("=3", "must have the form key=value"),
        ("path_eval=*x", "needs quotes"),
    ] {
        let message = Config::from_yaml("seed: 1", "run.yaml", &[set.to_owned()]).unwrap_err().to_string();
        assert!(message.contains(wanted), "{set}: {message}");
    }
}

#[test]
fn values_are_read_as_people_write_them() {
    let c = yaml("batch_size: 4.0\nlearning_rate: 1e-3\nepochs: '12'\nweight_decay: 0\nseed: 18446744073709551615\nin_keys:\n").unwrap();
    assert_eq!((c.batch_size, c.learning_rate, c.epochs, c.seed), (4, 1e-3, 12, u64::MAX));
    let c = yaml("deploy_start_time: 2017_04_01\ndecoder_use_norm: batchnorm\n").unwrap();
    assert_eq!(c.deploy_start_time.as_deref(), Some("2017_04_01"));
    assert!(c.decoder_use_batchnorm);
    assert!(!yaml("decoder_use_norm: false").unwrap().decoder_use_batchnorm);
    let anchored = yaml("pmw_GaussianBlur_sigma: &s 3\nmar_wa1_GaussianBlur_sigma: *s\n").unwrap();
    assert_eq!(anchored.blur_sigma["mar_wa1"], 3.0);
}

#[test]
fn amp_means_mixed_unless_precision_is_given() {
    assert_eq!(yaml("amp: true").unwrap().precision, Precision::Mixed);
    assert_eq!(yaml("amp: false\nprecision: mixed").unwrap().precision, Precision::Mixed);
    assert_eq!(yaml("amp: true\nprecision: f32").unwrap().precision, Precision::F32);
}

#[test]
fn reference_defaults_are_in_force() {
    let c = yaml("model_key: unet").unwrap();
    assert_eq!((c.seed, c.normalize_inputs, c.base_channels, c.gradient_clipping), (42, true, 64, 1.0));
    assert_eq!((c.epochs_between_checkpoint_save, c.starting_epoch, c.momentum), (10, 1, None));
    assert_eq!((c.precision, c.data_root.as_path()), (Precision::F32, Path::new(".")));
}

#[test]
fn unusable_documents_are_one_paragraph() {
    for (text, wanted) in [
        ("", "holds no keys"),
        ("# nothing\n", "holds no keys"),
        ("- 1\n- 2\n", "flat map"),
        ("just text", "flat map"),
        ("epochs: 1\nepochs: 2\n", "`epochs` is given twice, again in line 2"),
        ("epochs: [1, 2\n", "not usable as YAML"),
        ("a: 'x\n", "not usable as YAML"),
        ("x: *nowhere\n", "not usable as YAML"),
        ("decoder_use_norm: true\ndecoder_use_batchnorm: true\n", "given twice"),
    ] {
        let (_, message) = refused(text);
        assert!(message.contains(wanted) && message.starts_with("run.yaml"), "{text:?}: {message}");
    }
    let missing = Config::load(Path::new("no/such.yaml"), &[]).unwrap_err();
    assert_eq!(missing.exit_status(), 2);
    assert!(missing.to_string().contains("no/such.yaml"));
}

#[test]
fn every_rule_refuses() {
    for (text, key, wanted) in [
        ("epochs: 0", "epochs", "but 0 was given"),
        ("epochs: null", "epochs", "null was given"),
        ("epochs: 1.5", "epochs", "1.5"),
        ("epochs: -1", "epochs", "-1"),
        ("epochs: many", "epochs", "many"),
        ("epochs: [1]", "epochs", "[1]"),
        ("epochs: 99999999999999999999999", "epochs", "from 1 to"),
        ("batch_size: 0", "batch_size", "from 1"),
        ("img_size: [0, 4]", "img_size", "from 1"),
        ("img_size: 512", "img_size", "[rows, columns]"),
        ("img_size: [1, 2, 3]", "img_size", "[rows, columns]"),
        ("img_size: [1, {a: 2}]", "img_size", "whole number"),
        ("pmw_GaussianBlur_kernel_size: 44", "pmw_GaussianBlur_kernel_size", "45 is the next"),
        ("pmw_GaussianBlur_kernel_size: 45", "pmw_GaussianBlur_sigma", "is missing"),
        ("pmw_GaussianBlur_sigma: 0", "pmw_GaussianBlur_sigma", "above 0"),
        ("kernel_size: 0", "kernel_size", "from 1"),
        ("erode_size: -3", "erode_size", "from 0"),
        ("prediction_stride: 0", "prediction_stride", "from 1"),
        ("learning_rate: 0", "learning_rate", "above 0"),
        ("learning_rate: .nan", "learning_rate", "finite"),
        ("learning_rate: .inf", "learning_rate", "finite"),
        ("learning_rate: 1e999", "learning_rate", "finite"),
        ("learning_rate: true", "learning_rate", "finite"),
        ("std_pmw: 0", "std_pmw", "above 0"),
        ("mean_pmw: abc", "mean_pmw", "finite"),
        ("bilinear: 1", "bilinear", "true or false"),
        ("bilinear: 'False'", "bilinear", "without quotes"),
        ("model_key: unett", "model_key", "did you mean unet?"),
        ("optimizer: Adam", "optimizer", "did you mean adam?"),
        ("loss_function: hubert", "loss_function", "one of l1, mse, huber"),
        ("loss_function: huber\nhuber_delta: 0", "huber_delta", "above 0"),
        ("loss_function: focal_l1\nfocal_gamma: 0", "focal_gamma", "take the loss l1"),
        ("loss_function: l1_ssim\nssim_sigma: 20\nimg_size: [128, 140]", "ssim_sigma", "a frame of 70 pixels"),
        ("min_melt: -1\nmap_power: 2", "map_power", "only from 0 on"),
        ("task: regression\nmap_power: 2", "map_power", "remove the line"),
        ("loss_function: l1_ssim\nssim_weight: -1", "ssim_weight", "above 0"),
        ("model_key: unet\nactivation: linear", "activation", "relu or gelu"),
        ("model_key: unet_smp\nencoder_name: resnet34", "encoder_name", "tu-xception71"),
        ("model_key: unet_smp\ndecoder_channels: [256, 128]", "decoder_channels", "encoder_depth"),
        ("model_key: deeplabv3\ndecoder_channels: [256, 128]", "decoder_channels", "one number"),
        ("model_key: deeplabv3\nupsampling: 2", "upsampling", "only 4"),
        ("dropout: 0.1", "dropout", "deeplabv3, glavitu and tyrion only"),
        ("model_key: deeplabv3\ndropout: 1", "dropout", "nothing is left"),
        ("task: regression\ncrops_of_classes: even", "crops_of_classes", "task: segmentation"),
        ("loss_function: focal_l1\nfocal_gamma: 1.0e+30", "focal_gamma", "near 2"),
        ("sharpness_aware: -1", "sharpness_aware", "0 or above"),
        ("encoder_output_stride: 12", "encoder_output_stride", "8 or 16"),
        ("decoder_atrous_rates: [6, 12]", "decoder_atrous_rates", "three"),
        ("in_keys: [pwm]", "in_keys", "did you mean pmw?"),
        ("in_keys: [dem]", "in_keys", "belongs in in_keys_static"),
        ("in_keys: [pmw, pmw]", "in_keys", "twice"),
        ("in_keys: pmw", "in_keys", "a list"),
        ("in_keys_aux: [time_sin]", "in_keys_aux", "needs both"),
        ("min_melt: 1\nmax_melt: 0.5", "max_melt", "above"),
        ("val_percent: 0.6\ntest_percent: 0.4", "test_percent", "nothing is left"),
        ("val_percent: 11", "val_percent", "from 0 to 1"),
        ("deploy_start_time: 2017_02_29", "deploy_start_time", "2017_04_01"),
        ("deploy_start_time: '17_2_9'", "deploy_start_time", "2017_04_01"),
        ("deploy_start_time: '2018_01_01'\ndeploy_end_time: '2017_01_01'", "deploy_end_time", "before"),
        ("path_eval: [a]", "path_eval", "text"),
        ("dtype: float64", "dtype", "float32"),
        ("normalize_melt: true", "normalize_melt", "refused"),
        ("blur: median", "blur", "gaussian"),
        ("momentum: 0.9", "momentum", "adam has its own"),
        ("path_pnw: x", "path_pnw", "did you mean `path_pmw`?"),
        ("LEARNING_RATE: 1", "LEARNING_RATE", "did you mean `learning_rate`?"),
        ("lr: 1e-3", "lr", "it is `learning_rate` here"),
        ("loss: l1", "loss", "it is `loss_function` here"),
        ("Batch-Size: 4", "Batch-Size", "did you mean `batch_size`?"),
        ("max-epochs: 4", "max-epochs", "it is `epochs` here"),
        ("num_classes: 3", "num_classes", "it is `out_channels` here"),
        ("workers: 4", "workers", "`--threads`"),
        ("accelerator: gpu", "accelerator", "`--device`"),
        ("model_key: segformer", "model_key", "time_interpolate_sar, but \"segformer\" was given"),
        ("loss_function: mae", "loss_function", "it is l1 here"),
        ("lr_scheduler: cosine", "lr_scheduler", "it is CosineAnnealingWarmRestarts here"),
        ("quux: 1", "quux", "`meltcore config keys` lists those that there are"),
        ("mean_snowdepth: 1", "mean_snowdepth", "no list names `snowdepth`"),
        ("'': 1", "", "not a known key"),
    ] {
        let (got, message) = refused(text);
        assert_eq!(got, key, "{text}: {message}");
        assert!(message.contains(wanted), "{text}: {message}");
    }
    // What is far away misleads.
    for (text, far) in [("lr: 1", "blur"), ("loss: l1", "seed"), ("model_key: segformer", "did you mean"), ("quux: 1", "did you mean")] {
        let (_, message) = refused(text);
        assert!(!message.contains(far), "{text}: {message}");
    }
    for fine in
        ["dtype: float32", "normalize_melt: false", "blur: gaussian", "wandb_x: {a: [1]}", "log_anything: null", "encoder_weights: null"]
    {
        assert!(yaml(fine).is_ok(), "{fine}");
    }
}

#[test]
fn missing_keys_are_named_by_the_accessors() {
    let c = yaml("model_key: unet").unwrap();
    for (error, key) in [
        (c.require_path("path_checkpoints").unwrap_err(), "path_checkpoints"),
        (c.require_split_csv("val").unwrap_err(), "path_val_split_csv"),
        (c.require_variable("melt").unwrap_err(), "path_melt"),
        (c.require_mean_std("pmw").unwrap_err(), "mean_pmw"),
        (c.require_map_folder("deploy").unwrap_err(), "path_deploy"),
        (c.require_given("learning_rate").unwrap_err(), "learning_rate"),
    ] {
        assert!(error.to_string().contains(&format!("run.yaml: key `{key}`: is missing")), "{error}");
    }
    assert!(c.require_split_csv("vall").unwrap_err().to_string().contains("did you mean val?"));
    assert_eq!(c.require_model_key().unwrap(), ModelKey::Unet);
}

#[test]
fn fixtures_attributes_load() {
    let attributes = serde_json::json!({"model_key": "unet", "base_channels": 4, "out_channels": 1, "out_activation": "sigmoid",
        "activation": "gelu", "num_extra_convs": 0, "gradient_clipping": 1.0, "bilinear": true, "optimizer": "rmsprop",
        "learning_rate": 1e-5, "momentum": 0.999, "loss_function": "l1"});
    let c = Config::from_json(attributes.as_object().unwrap()).unwrap();
    assert_eq!((c.base_channels, c.momentum, c.optimizer), (4, Some(0.999), OptimizerKind::RmsProp));
    let wrong = serde_json::json!({"model_key": "unet", "steps": 3});
    let error = Config::from_json(wrong.as_object().unwrap()).unwrap_err();
    assert!(error.to_string().starts_with("fixture attributes: key `steps`: is not a known key"), "{error}");
}

#[test]
fn digest_follows_what_determines_the_weights() {
    let base = published("unet", &[]);
    assert_eq!(base.digest().len(), 16);
    for same in [
        "epochs=900",
        "tensorboard=false",
        "constant_inputs={}",
        "path_checkpoints=elsewhere",
        "data_root=/moved",
        "recompute=true",
        "in_keys=[time_interpolate_sar, pmw, mar_wa1]",
    ] {
        assert_eq!(published("unet", &[same]).digest(), base.digest(), "{same}");
    }
    for other in [
        "seed=1",
        "batch_size=4",
        "accumulate_steps=2",
        "learning_rate=0.001",
        "in_keys=[pmw]",
        "path_melt=other/",
        "constant_inputs={pmw: 200}",
        "amp=true",
    ] {
        assert_ne!(published("unet", &[other]).digest(), base.digest(), "{other}");
    }
    // A change here means that checkpoints of earlier versions no longer resume without a warning.
    assert_eq!(yaml("model_key: unet").unwrap().digest(), "54502316094728c9");
}

#[test]
fn a_second_document_is_named_with_its_line() {
    let (_, message) = refused("seed: 1\n---\nseed: 2\n");
    assert!(message.contains("a second document begins in line") && !message.contains("from_str"), "{message}");
    // A mark at the beginning or end makes no second one.
    assert_eq!(yaml("---\nseed: 3\n...\n").unwrap().seed, 3);
}

#[test]
fn maps_of_melt_have_one_channel() {
    let (key, message) = refused("out_channels: 2\n");
    assert_eq!(key, "out_channels");
    assert!(message.contains("is 2, but a map of melt has one channel"), "{message}");
    assert_eq!(yaml("out_channels: 1\n").unwrap().out_channels, 1);
}

#[test]
fn losses_of_pixels_and_structure() {
    let of = |yaml: &str| Config::from_yaml(yaml, "run.yaml", &[]).unwrap();
    let c = of("{model_key: unet, loss_function: huber, huber_delta: 0.3}");
    assert_eq!((c.loss_kind(), c.similarity_term()), (LossKind::Huber(0.3), None));
    let c = of("{model_key: unet, task: regression, loss_function: focal_l1, focal_gamma: 0.5}");
    assert_eq!((c.loss_kind(), c.similarity_term()), (LossKind::FocalL1(0.5), None));
    let c = of("{model_key: unet, loss_function: l1_ssim, ssim_weight: 0.2, ssim_sigma: 2}");
    let term = c.similarity_term().map(|term| (term.weight, term.sigma));
    assert_eq!((c.loss_kind(), term), (LossKind::L1, Some((0.2, 2.0))));
}
